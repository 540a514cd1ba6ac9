// Divides the changes of a commit into parts that fit into one record each: bounded in number, so that others
// do not wait long for one record, and in bytes, because NATS bounds a message. Pure.

import { VARINT_BYTES } from "../store/varint.ts";
import type { NamedChange } from "./record.ts";

/** The maximum number of changes in one record. */
const MAX_RECORD_CHANGES = 1_000;
/** Upper bounds of a record's length without its changes, and of what a change and a name add to it. */
const HEAD_BYTES = 64;
const CHANGE_BYTES = 1 + 2 * VARINT_BYTES;
const NAME_HEAD_BYTES = 2;

/**
 * Returns the parts in order.
 * @param maxBytes the maximum length of a record; a record of one change is never divided
 */
export function divideChanges(changes: readonly NamedChange[], maxBytes: number): NamedChange[][] {
  const parts: NamedChange[][] = [];
  let part: NamedChange[] | undefined;
  let names = new Set<string>();
  let bytes = 0;
  for (const change of changes) {
    bytes += bytesOf(change, names);
    if (part === undefined || part.length === MAX_RECORD_CHANGES || bytes > maxBytes) {
      part = [];
      parts.push(part);
      names = new Set();
      bytes = HEAD_BYTES + bytesOf(change, names);
    }
    part.push(change);
  }
  return parts;
}

/** Returns what a change adds to a record with these names, and adds its names to them. */
function bytesOf({ user, topic }: NamedChange, names: Set<string>): number {
  let bytes = CHANGE_BYTES;
  for (const name of [user, topic]) {
    if (!names.has(name)) bytes += NAME_HEAD_BYTES + name.length; // names are ASCII
    names.add(name);
  }
  return bytes;
}
