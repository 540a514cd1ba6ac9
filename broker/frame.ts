// The messages that the graph sends to one edge about events, on the edge's own subject. They identify
// recipients by the handles that the edge assigned, in one epoch of its presence. Little-endian; web
// standards only.
//
//   every message   0 u8 kind  1 u8 version  2 u16 partition  4 u32 presence epoch
//                   8 u32 number of records  12 u32 number
//                   16 f64 epoch and 24 f64 sequence of the position that the edge reaches with this message
//   frame, counted  records: u32 recipients | u32 json length | u32 id length | recipients × u32 handle |
//                   id | json | zeroes to a multiple of 4
//   open            one record without recipients: a long event begins
//   part            u32 handles: recipients of a long event, whose sequence the head names
//   close           nothing: the long event that the head names has reached all recipients
//   hole, withdraw, replayed   JSON: see edge-notices.ts
//
// The messages of a partition are numbered from 1 in each presence epoch, so an edge notices when one is
// lost.

import { isIdText, MAX_EVENT_ID_BYTES } from "./cursor.ts";
import { looksEncoded } from "./event.ts";

/** First byte of a message on `edge.<edgeId>`. An order, which is JSON, begins with "{". */
export const FRAME_KIND = {
  frame: 1,
  counted: 2,
  open: 4,
  part: 5,
  close: 6,
  hole: 7,
  withdraw: 8,
  replayed: 9,
} as const;
export type FrameKind = (typeof FRAME_KIND)[keyof typeof FRAME_KIND];

const VERSION = 2;
const FRAME_HEAD = 32;
const RECORD_HEAD = 12;
/** An edge's frame is sent when it reaches this size, or before it would exceed the server's max_payload. */
export const FULL_FRAME_BYTES = 131_072;
const FIRST_BYTES = 4_096;

const KINDS: ReadonlySet<number> = new Set(Object.values(FRAME_KIND));
const decoder = new TextDecoder();

/** Where a message stands in the order of its partition. */
export interface FrameHead {
  readonly partition: number;
  /** The edge's presence epoch, in which the handles are valid. */
  readonly presenceEpoch: number;
  /** Counts the messages of the partition in this presence epoch, from 1. */
  readonly number: number;
  /** The position that the edge reaches; for `open`, `part` and `close` that of the long event. */
  readonly epoch: number;
  readonly sequence: number;
}

/** Collects one edge's records until the frame is taken. Its memory is reused for the next frame. */
export class FrameWriter {
  #bytes = new Uint8Array(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #length = FRAME_HEAD;
  #records = 0;

  /** Size of the frame so far in bytes; 0 without a record. */
  get length(): number {
    return this.#records === 0 ? 0 : this.#length;
  }

  /** Returns the size of the frame with one more event. */
  lengthWith(id: string, json: Uint8Array, recipients: number): number {
    return this.#length + aligned(RECORD_HEAD + 4 * recipients + id.length + json.length);
  }

  /** Appends one event. `id` is ASCII, and `handles` contains at least `count` recipients. */
  add(id: string, json: Uint8Array, handles: Uint32Array, count: number): void {
    const size = RECORD_HEAD + 4 * count + id.length + json.length;
    this.#reserve(size + 3);
    const at = this.#length;
    const view = this.#view;
    view.setUint32(at, count, true);
    view.setUint32(at + 4, json.length, true);
    view.setUint32(at + 8, id.length, true);
    let position = at + RECORD_HEAD;
    for (let i = 0; i < count; i += 1, position += 4) view.setUint32(position, handles[i] as number, true);
    for (let i = 0; i < id.length; i += 1, position += 1) this.#bytes[position] = id.charCodeAt(i);
    this.#bytes.set(json, position);
    const end = at + aligned(size);
    this.#bytes.fill(0, at + size, end);
    this.#records += 1;
    this.#length = end;
  }

  /**
   * Returns the frame as a copy, and begins the next one. A frame without records only moves the position.
   */
  take(kind: FrameKind, head: FrameHead): Uint8Array {
    writeHead(this.#view, kind, head, this.#records);
    const frame = this.#bytes.slice(0, this.#length);
    this.#length = FRAME_HEAD;
    this.#records = 0;
    return frame;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    let size = this.#bytes.length;
    while (size < needed) size *= 2;
    const larger = new Uint8Array(size);
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** Encodes a message whose body is not made of records. */
export function encodeMessage(kind: FrameKind, head: FrameHead, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEAD + body.length);
  writeHead(viewOf(bytes), kind, head, 0);
  bytes.set(body, FRAME_HEAD);
  return bytes;
}

/** Encodes recipients of a long event: the body of a `part`. */
export function encodeHandles(handles: Uint32Array, count: number): Uint8Array {
  const bytes = new Uint8Array(4 * count);
  const view = viewOf(bytes);
  for (let index = 0; index < count; index += 1) view.setUint32(4 * index, handles[index] as number, true);
  return bytes;
}

/** Returns the recipients in the body of a `part`; undefined if it is malformed. */
export function decodeHandles(body: Uint8Array): Uint32Array | undefined {
  if (body.length % 4 !== 0) return undefined;
  const view = viewOf(body);
  return Uint32Array.from({ length: body.length / 4 }, (_, index) => view.getUint32(4 * index, true));
}

/** Returns the number of records that a frame announces. */
export function recordsOf(frame: Uint8Array): number {
  return frame.length < FRAME_HEAD ? 0 : viewOf(frame).getUint32(8, true);
}

/** Returns what follows the head. */
export function bodyOf(message: Uint8Array): Uint8Array {
  return message.subarray(FRAME_HEAD);
}

/** Returns how many recipients of one event fit into a frame of this size: at least one. */
export function maxRecipients(maxBytes: number, id: string, json: Uint8Array): number {
  const others = FRAME_HEAD + RECORD_HEAD + id.length + json.length + 3;
  return Math.max(1, Math.floor((maxBytes - others) / 4));
}

/** One event in a frame. */
export interface FrameRecord {
  readonly id: string;
  /** One line, from "{" to "}". */
  readonly json: string;
  readonly recipients: number;
  handleAt(index: number): number;
}

/** Parses a message's head; undefined for anything that is not a message of a known kind and this version. */
export function readHead(message: Uint8Array): (FrameHead & { readonly kind: FrameKind }) | undefined {
  const kind = message[0] as FrameKind;
  if (!KINDS.has(kind) || !isMessage(message, kind)) return undefined;
  const view = viewOf(message);
  return {
    kind,
    partition: view.getUint16(2, true),
    presenceEpoch: view.getUint32(4, true),
    number: view.getUint32(12, true),
    epoch: view.getFloat64(16, true),
    sequence: view.getFloat64(24, true),
  };
}

/**
 * Calls back for each record in order, up to the first malformed one. Whatever the bytes are, nothing outside
 * of them is read. Returns false if a record was malformed or the bytes are not a frame.
 */
export function readFrame(
  frame: Uint8Array,
  kind: FrameKind,
  onRecord: (record: FrameRecord) => void,
): boolean {
  if (!isMessage(frame, kind)) return false;
  let records = 0;
  for (let at = FRAME_HEAD; at < frame.length; ) {
    const read = readRecord(frame, at);
    if (read === undefined) return false;
    onRecord(read.record);
    records += 1;
    at = read.end;
  }
  return viewOf(frame).getUint32(8, true) === records;
}

function isMessage(message: Uint8Array, kind: FrameKind): boolean {
  return message.length >= FRAME_HEAD && message[0] === kind && message[1] === VERSION;
}

function writeHead(view: DataView, kind: FrameKind, head: FrameHead, records: number): void {
  view.setUint8(0, kind);
  view.setUint8(1, VERSION);
  view.setUint16(2, head.partition, true);
  view.setUint32(4, head.presenceEpoch, true);
  view.setUint32(8, records, true);
  view.setUint32(12, head.number, true);
  view.setFloat64(16, head.epoch, true);
  view.setFloat64(24, head.sequence, true);
}

function aligned(bytes: number): number {
  return (bytes + 3) & ~3;
}

interface RecordBounds {
  readonly recipients: number;
  readonly handles: number;
  readonly idAt: number;
  readonly jsonAt: number;
  readonly jsonEnd: number;
  /** Offset of the next record. */
  readonly end: number;
}

/** Parses one record; undefined if it is not complete. */
function boundsOf(frame: Uint8Array, at: number): RecordBounds | undefined {
  if (at < FRAME_HEAD || frame.length - at < RECORD_HEAD) return undefined;
  const view = viewOf(frame);
  const recipients = view.getUint32(at, true);
  const handles = at + RECORD_HEAD;
  const idAt = handles + recipients * 4; // sums of u32 are exact here
  const jsonAt = idAt + view.getUint32(at + 8, true);
  const jsonEnd = jsonAt + view.getUint32(at + 4, true);
  const end = jsonEnd + ((4 - ((jsonEnd - at) % 4)) % 4);
  if (jsonAt === idAt || jsonAt - idAt > MAX_EVENT_ID_BYTES || end > frame.length) return undefined;
  return { recipients, handles, idAt, jsonAt, jsonEnd, end };
}

function readRecord(frame: Uint8Array, at: number): { record: FrameRecord; end: number } | undefined {
  const bounds = boundsOf(frame, at);
  if (bounds === undefined) return undefined;
  const { recipients, handles, idAt, jsonAt, jsonEnd, end } = bounds;
  const id = decoder.decode(frame.subarray(idAt, jsonAt));
  const json = frame.subarray(jsonAt, jsonEnd);
  if (!isIdText(id) || !looksEncoded(json)) return undefined;
  const view = viewOf(frame);
  const handleAt = (index: number): number => view.getUint32(handles + index * 4, true);
  return { record: { id, json: decoder.decode(json), recipients, handleAt }, end };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
