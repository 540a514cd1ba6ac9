// The binary format of an audit record: the changes of one commit, or a part of them, with the time of the
// commit. Users and topics are ids of the store; a name keeps its id forever, so a record stays readable for
// as long as it is kept.
//
//   1, milliseconds since 1970 (float64), number of changes, { kind, user, topic }…
//
// All numbers after the time are varints.

import { GraphError } from "../errors.ts";
import { CHANGE_CODES, changeKindOf } from "../store/change-codes.ts";
import type { RecordedChange } from "../store/changes.ts";
import { VARINT_BYTES, VarintReader, writeVarint } from "../store/varint.ts";

export interface AuditRecord {
  readonly timeMs: number;
  readonly changes: readonly RecordedChange[];
}

const VERSION = 1;
const HEAD_BYTES = 9;

export function encodeRecord({ timeMs, changes }: AuditRecord): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES + VARINT_BYTES + changes.length * (1 + 2 * VARINT_BYTES));
  bytes[0] = VERSION;
  new DataView(bytes.buffer).setFloat64(1, timeMs);
  let at = writeVarint(bytes, HEAD_BYTES, changes.length);
  for (const { kind, user, topic } of changes) {
    bytes[at] = CHANGE_CODES[kind];
    at = writeVarint(bytes, writeVarint(bytes, at + 1, user), topic);
  }
  return bytes.slice(0, at);
}

/** @throws GraphError GRAPH_DAMAGED */
export function decodeRecord(bytes: Uint8Array): AuditRecord {
  if (bytes[0] !== VERSION || bytes.length < HEAD_BYTES) throw damaged(`begins with byte ${bytes[0]}`);
  const timeMs = new DataView(bytes.buffer, bytes.byteOffset).getFloat64(1);
  const reader = new VarintReader(bytes, HEAD_BYTES);
  const changes: RecordedChange[] = [];
  for (let left = reader.next(); left > 0; left -= 1) {
    const code = reader.next();
    const kind = changeKindOf(code);
    if (kind === undefined) throw damaged(`has a change of kind ${code}`);
    changes.push({ kind, user: reader.next(), topic: reader.next() });
  }
  return { timeMs, changes };
}

function damaged(how: string): GraphError {
  return new GraphError("GRAPH_DAMAGED", `a record of the audit ${how}: it is damaged; restore a backup`);
}
