// The bytes that the graph sends to one edge in `frames` fan-out: events with their recipients. Frames
// identify recipients by the handles that the edge assigned, in one epoch of its presence. Copies for an edge
// that is not synchronized identify them by user id. Little-endian throughout; web standards only.
//
//   frame   0 u8 kind  1 u8 version  2 u16 zero  4 u32 epoch  8 u32 offset of the last record  12 records:
//           u32 recipients | u32 json length | u32 id length | recipients × u32 handle | id | json |
//           zeroes to a multiple of 4
//   named   0 u8 kind  1 u8 version  2 u8 counted  3 u8 zero  4 u32 id length  8 u32 json length
//           12 u32 names length | id | json | names, joined by commas

import { isIdText, MAX_EVENT_ID_BYTES } from "./cursor.ts";
import { looksEncoded } from "./event.ts";
import { isUserId, type UserId } from "./names.ts";

/** First byte of a message on `edge.<edgeId>`. An order, which is JSON, begins with "{". */
export const FRAME_KIND = { frame: 1, counted: 2, named: 3 } as const;
export type FrameKind = (typeof FRAME_KIND)[keyof typeof FRAME_KIND];

const VERSION = 1;
const FRAME_HEAD = 12;
const RECORD_HEAD = 12;
const NAMED_HEAD = 16;
/** An edge's frame is sent when it reaches this size, or before it would exceed the server's max_payload. */
export const FULL_FRAME_BYTES = 131_072;
const FIRST_BYTES = 4_096;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Collects one edge's records until the frame is taken. Its memory is reused for the next frame. */
export class FrameWriter {
  readonly #epoch: number;
  #bytes = new Uint8Array(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #length = FRAME_HEAD;
  #lastRecord = 0;

  /** @param epoch the edge's presence epoch, in which its handles are valid */
  constructor(epoch: number) {
    this.#epoch = epoch;
  }

  /** Size of the frame so far in bytes; 0 without a record. */
  get length(): number {
    return this.#lastRecord === 0 ? 0 : this.#length;
  }

  /** Returns the size of the frame with one more event. */
  lengthWith(id: string, json: Uint8Array, recipients: number): number {
    return this.#length + aligned(RECORD_HEAD + 4 * recipients + id.length + json.length);
  }

  /** Appends one event. `id` is ASCII, and `handles` contains `count` recipients, at least one. */
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
    this.#lastRecord = at;
    this.#length = end;
  }

  /** Returns the frame as a copy, and begins the next one. */
  take(kind: FrameKind): Uint8Array {
    this.#view.setUint8(0, kind);
    this.#view.setUint8(1, VERSION);
    this.#view.setUint16(2, 0, true);
    this.#view.setUint32(4, this.#epoch, true);
    this.#view.setUint32(8, this.#lastRecord, true);
    const frame = this.#bytes.slice(0, this.#length);
    this.#length = FRAME_HEAD;
    this.#lastRecord = 0;
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

/** Returns how many recipients of one event fit into a frame of this size: at least one. */
export function maxRecipients(maxBytes: number, id: string, json: Uint8Array): number {
  const others = FRAME_HEAD + RECORD_HEAD + id.length + json.length + 3;
  return Math.max(1, Math.floor((maxBytes - others) / 4));
}

/** The fields before a frame's records. */
export interface FrameHead {
  /** The edge's presence epoch in which the handles are valid. */
  readonly epoch: number;
  /** The id of the last event: the position that the stream reaches with this frame. */
  readonly lastId: string;
}

/** One event in a frame. */
export interface FrameRecord {
  readonly id: string;
  /** One line, from "{" to "}". */
  readonly json: string;
  readonly recipients: number;
  handleAt(index: number): number;
}

/** Parses a frame's head; undefined for anything that is not a frame of this kind and version. */
export function readFrameHead(frame: Uint8Array, kind: FrameKind): FrameHead | undefined {
  if (!isFrame(frame, kind)) return undefined;
  const view = viewOf(frame);
  const last = boundsOf(frame, view.getUint32(8, true));
  if (last === undefined) return undefined;
  return { epoch: view.getUint32(4, true), lastId: decoder.decode(frame.subarray(last.idAt, last.jsonAt)) };
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
  if (!isFrame(frame, kind)) return false;
  let last = 0;
  for (let at = FRAME_HEAD; at < frame.length; ) {
    const read = readRecord(frame, at);
    if (read === undefined) return false;
    onRecord(read.record);
    last = at;
    at = read.end;
  }
  return viewOf(frame).getUint32(8, true) === last;
}

/** A copy of an event for an edge that is not synchronized: recipients by user id. */
export interface NamedEvent {
  readonly id: string;
  readonly json: Uint8Array;
  /** Whether the deliveries of this event will be counted. */
  readonly counted: boolean;
  readonly users: readonly UserId[];
}

/** Returns how many bytes of names, each with a comma, fit into a named copy of this size. */
export function maxNamesBytes(maxBytes: number, id: string, json: Uint8Array): number {
  return maxBytes - NAMED_HEAD - id.length - json.length;
}

export function encodeNamed({ id, json, counted, users }: NamedEvent): Uint8Array {
  const names = encoder.encode(users.join(","));
  const bytes = new Uint8Array(NAMED_HEAD + id.length + json.length + names.length);
  const view = viewOf(bytes);
  view.setUint8(0, FRAME_KIND.named);
  view.setUint8(1, VERSION);
  view.setUint8(2, counted ? 1 : 0);
  view.setUint32(4, id.length, true);
  view.setUint32(8, json.length, true);
  view.setUint32(12, names.length, true);
  bytes.set(encoder.encode(id), NAMED_HEAD);
  bytes.set(json, NAMED_HEAD + id.length);
  bytes.set(names, NAMED_HEAD + id.length + json.length);
  return bytes;
}

/** Parses a named copy; undefined for anything else. */
export function decodeNamed(bytes: Uint8Array): NamedEvent | undefined {
  if (bytes.length < NAMED_HEAD || bytes[0] !== FRAME_KIND.named || bytes[1] !== VERSION) return undefined;
  const view = viewOf(bytes);
  const idEnd = NAMED_HEAD + view.getUint32(4, true);
  const jsonEnd = idEnd + view.getUint32(8, true);
  if (jsonEnd + view.getUint32(12, true) !== bytes.length || idEnd - NAMED_HEAD > MAX_EVENT_ID_BYTES)
    return undefined;
  const id = decoder.decode(bytes.subarray(NAMED_HEAD, idEnd));
  const json = bytes.subarray(idEnd, jsonEnd);
  const users = decoder.decode(bytes.subarray(jsonEnd)).split(",");
  if (!isIdText(id) || !looksEncoded(json) || !users.every(isUserId)) return undefined;
  return { id, json, counted: view.getUint8(2) === 1, users };
}

function isFrame(frame: Uint8Array, kind: FrameKind): boolean {
  return (
    frame.length >= FRAME_HEAD &&
    frame[0] === kind &&
    frame[1] === VERSION &&
    viewOf(frame).getUint16(2, true) === 0
  );
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
