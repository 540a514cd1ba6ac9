// Reads a packed frame: many events at once, each with the handles of its recipients here, as the gateway fan-out sends
// them. Little-endian, at any alignment; whatever the bytes are, nothing outside of them is read.
//
//    0  u8 kind (1)   u8 version (1)   u16 zero
//    4  u32 epoch in which the handles are valid (checked by the caller)
//    8  u32 offset of the last record
//   12  records: u32 recipients | u32 JSON length | u32 id length (1-40) | recipients × u32 handle | id | JSON | zeroes
//       to a multiple of 4
//
// The native pool reads the same in edge/pool/native/src/packed_frame.h.

import { looksEncoded } from "../../broker/contract.ts";

const HEADER_BYTES = 12;
const RECORD_BYTES = 12;
const KIND = 1;
const VERSION = 1;
const MAX_ID_BYTES = 40;
const ID = /^[0-9a-z-]+$/;

const decoder = new TextDecoder();

export interface PackedRecord {
  readonly id: string;
  /** One line, from "{" to "}". */
  readonly json: string;
  readonly recipients: number;
  handleAt(index: number): number;
}

/** Passes on each record, up to the first that is malformed. False where there was one, or the frame is none. */
export function readPackedFrame(frame: Uint8Array, onRecord: (record: PackedRecord) => void): boolean {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (
    frame.length < HEADER_BYTES ||
    frame[0] !== KIND ||
    frame[1] !== VERSION ||
    view.getUint16(2, true) !== 0
  )
    return false;
  let last = 0;
  for (let at = HEADER_BYTES; at < frame.length; ) {
    const next = readRecord(frame, view, at, onRecord);
    if (next === undefined) return false;
    last = at;
    at = next;
  }
  return last === 0 || view.getUint32(8, true) === last;
}

/** Answers where the next record begins; undefined where this one is malformed. */
function readRecord(
  frame: Uint8Array,
  view: DataView,
  at: number,
  onRecord: (record: PackedRecord) => void,
): number | undefined {
  if (frame.length - at < RECORD_BYTES) return undefined;
  const recipients = view.getUint32(at, true);
  const jsonBytes = view.getUint32(at + 4, true);
  const idBytes = view.getUint32(at + 8, true);
  const handles = at + RECORD_BYTES;
  const idAt = handles + recipients * 4; // sums of u32 are exact here
  const jsonAt = idAt + idBytes;
  const end = jsonAt + jsonBytes;
  const next = end + ((4 - ((end - at) % 4)) % 4);
  if (idBytes < 1 || idBytes > MAX_ID_BYTES || next > frame.length) return undefined;
  const id = decoder.decode(frame.subarray(idAt, jsonAt));
  const json = frame.subarray(jsonAt, end);
  if (!ID.test(id) || !looksEncoded(json)) return undefined;
  onRecord({
    id,
    json: decoder.decode(json),
    recipients,
    handleAt: (index) => view.getUint32(handles + index * 4, true),
  });
  return next;
}
