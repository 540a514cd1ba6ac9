// The binary form of one row of the history: an event, a message to a user, or a hole. LevelDB and the recent
// rows hold the same bytes, so no row is encoded twice. Little-endian.
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

/** Encodes a row into `target`, which must be `rowBytes(row)` long. */
export function encodeRowInto(row: Row, target: Uint8Array): void {
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
  const { kind, name, timeMs, messageId, body } = row;
  let at = HEAD_BYTES;
  for (let index = 0; index < name.length; index += 1, at += 1) target[at] = name.charCodeAt(index);
  const idBytes = messageId === "" ? 0 : encoder.encodeInto(messageId, target.subarray(at)).written;
  view.setUint8(0, kind);
  view.setUint8(1, idBytes);
  view.setUint16(2, name.length, true);
  view.setFloat64(4, timeMs, true);
  target.set(body, at + idBytes);
}

/** Decodes a row, or returns undefined if `bytes` is not one. The row's body is a view of `bytes`. */
export function decodeRow(bytes: Uint8Array): Row | undefined {
  if (bytes.length < HEAD_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const idAt = HEAD_BYTES + view.getUint16(2, true);
  const bodyAt = idAt + view.getUint8(1);
  if (bodyAt > bytes.length) return undefined;
  return {
    kind: view.getUint8(0) as RowKind,
    name: decoder.decode(bytes.subarray(HEAD_BYTES, idAt)),
    timeMs: view.getFloat64(4, true),
    messageId: idAt === bodyAt ? "" : decoder.decode(bytes.subarray(idAt, bodyAt)),
    body: bytes.subarray(bodyAt),
  };
}

/** Returns a row without content, whose body holds only the id. */
export function makeBareRow(kind: RowKind, timeMs: number, id: string): Row {
  return { kind, name: "", timeMs, messageId: "", body: encoder.encode(`{"id":"${id}"}`) };
}

/** Encodes a row into new memory. */
export function encodeRow(row: Row): Uint8Array {
  const bytes = new Uint8Array(rowBytes(row));
  encodeRowInto(row, bytes);
  return bytes;
}

/** Returns the id at the start of a body: `{"id":"…"`. */
export function idOfBody(body: Uint8Array): string {
  const end = body.indexOf(QUOTE, ID_AT);
  return decoder.decode(body.subarray(ID_AT, end));
}

/** Returns the length of a text in UTF-8, in bytes. */
function byteLength(text: string): number {
  return text === "" ? 0 : encoder.encode(text).length;
}
