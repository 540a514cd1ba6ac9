// Writes packed frames (edge/pool/packed-frame.ts) for tests, without a limit: what is malformed on purpose is changed
// afterwards.

export interface FrameRecord {
  readonly handles: readonly number[];
  readonly id: string;
  readonly json: string;
}

const HEADER_BYTES = 12;
const RECORD_BYTES = 12;

export function packFrame(records: readonly FrameRecord[], epoch = 1): Buffer {
  const parts: Buffer[] = [Buffer.from([1, 1, 0, 0]), u32(epoch), u32(0)];
  let at = HEADER_BYTES;
  let last = 0;
  for (const { handles, id, json } of records) {
    const jsonBytes = Buffer.from(json);
    const bytes = RECORD_BYTES + handles.length * 4 + id.length + jsonBytes.length;
    const padding = (4 - (bytes % 4)) % 4;
    parts.push(u32(handles.length), u32(jsonBytes.length), u32(id.length), ...handles.map(u32));
    parts.push(Buffer.from(id), jsonBytes, Buffer.alloc(padding));
    last = at;
    at += bytes + padding;
  }
  const frame = Buffer.concat(parts);
  frame.writeUInt32LE(last, 8);
  return frame;
}

function u32(number: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(number);
  return bytes;
}
