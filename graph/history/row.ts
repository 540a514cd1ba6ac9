// The binary form of one row of the history: an event, a message to a user, or a hole. LevelDB and the recent
// rows hold the same bytes, so no row is encoded twice. Rows are encoded in place, in memory that holds many
// of them: an array and a view for each row would cost more than the encoding. Little-endian.
//
//   0 u8 kind | 1 u8 length of the producer's message id | 2 u16 length of the name | 4 f64 time
//   12 name | message id | body
//
// The name is the topic of an event or the recipient of a message. The body is what readers receive: the
// event as JSON, or for a hole its reason as JSON.

/**
 * The kinds of rows: an event, a message to a user, or a hole (a loss that concerns all readers). A row
 * without content was either erased by `forget` (`empty`), or left memory before the disk accepted writes
 * again (`lost`).
 */
export const ROW_KIND = { empty: 0, event: 1, direct: 2, hole: 3, lost: 4 } as const;
export type RowKind = (typeof ROW_KIND)[keyof typeof ROW_KIND];

const HEAD_BYTES = 12;

/** The offset of the id in a body. */
const ID_AT = '{"id":"'.length;
const QUOTE = '"'.charCodeAt(0);
const SPACE = " ".charCodeAt(0);

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The content of one row. */
export interface Row {
  readonly kind: RowKind;
  /** The topic of an event or the recipient of a message; empty for a hole. ASCII. */
  readonly name: string;
  /** When the row was accepted, in milliseconds since 1970. */
  readonly timeMs: number;
  /** The producer's `Nats-Msg-Id`; empty if there is none. */
  readonly messageId: string;
  readonly body: Uint8Array;
}

/** Returns the encoded length of a row, in bytes. */
export function rowBytes({ name, messageId, body }: Row): number {
  return HEAD_BYTES + name.length + byteLength(messageId) + body.length;
}

/** Memory in which rows are encoded. */
export interface RowMemory {
  readonly bytes: Uint8Array;
  /** A view of all of `bytes`. */
  readonly view: DataView;
}

export function memoryOf(bytes: Uint8Array): RowMemory {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
}

/** Encodes a row at an offset, from which `rowBytes(row)` bytes must be free. */
export function encodeRowAt(row: Row, { bytes, view }: RowMemory, start: number): void {
  const { kind, name, timeMs, messageId, body } = row;
  let at = start + HEAD_BYTES;
  for (let index = 0; index < name.length; index += 1, at += 1) bytes[at] = name.charCodeAt(index);
  const idBytes = messageId === "" ? 0 : encoder.encodeInto(messageId, bytes.subarray(at)).written;
  bytes[start] = kind;
  bytes[start + 1] = idBytes;
  view.setUint16(start + 2, name.length, true);
  view.setFloat64(start + 4, timeMs, true);
  bytes.set(body, at + idBytes);
}

/**
 * Decodes the row between two offsets, or returns undefined if there is none. The row's body is a view of the
 * memory.
 */
export function decodeRowAt({ bytes, view }: RowMemory, start: number, end: number): Row | undefined {
  if (start + HEAD_BYTES > end || end > bytes.length) return undefined;
  const nameAt = start + HEAD_BYTES;
  const idAt = nameAt + view.getUint16(start + 2, true);
  const bodyAt = idAt + (bytes[start + 1] as number);
  if (bodyAt > end) return undefined;
  return {
    kind: bytes[start] as RowKind,
    name: asciiAt(bytes, nameAt, idAt),
    timeMs: view.getFloat64(start + 4, true),
    messageId: idAt === bodyAt ? "" : decoder.decode(bytes.subarray(idAt, bodyAt)),
    body: bytes.subarray(bodyAt, end),
  };
}

/**
 * Erases the row between two offsets: what remains is a row of this kind whose body holds only the id, padded
 * with spaces to the length of the row.
 */
export function eraseRowAt(kind: RowKind, id: string, memory: RowMemory, start: number, end: number): void {
  const { bytes, view } = memory;
  const { body } = makeBareRow(kind, 0, id);
  bytes[start] = kind;
  bytes[start + 1] = 0;
  view.setUint16(start + 2, 0, true);
  bytes.fill(SPACE, start + HEAD_BYTES, end);
  bytes.set(body, start + HEAD_BYTES);
}

/** Returns a row without content, whose body holds only the id. */
export function makeBareRow(kind: RowKind, timeMs: number, id: string): Row {
  return { kind, name: "", timeMs, messageId: "", body: encoder.encode(`{"id":"${id}"}`) };
}

/** Returns the id at the start of a body: `{"id":"…"`. */
export function idOfBody(body: Uint8Array): string {
  const end = body.indexOf(QUOTE, ID_AT);
  return decoder.decode(body.subarray(ID_AT, end));
}

/** Decodes ASCII. For names, which are short, this is faster than a TextDecoder. */
function asciiAt(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end; at += 1) text += String.fromCharCode(bytes[at] as number);
  return text;
}

/** Returns the length of a text in UTF-8, in bytes. */
function byteLength(text: string): number {
  return text === "" ? 0 : encoder.encode(text).length;
}
