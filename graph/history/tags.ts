// Tags: the 32-bit keys by which the history finds the rows of a name. A canonical decimal name is its own
// tag, just as it is its own id in the graph; any other name is hashed into the range above those. Two names
// can share a tag, so code that follows a chain has to compare the names in its rows.

import { decimalId } from "../store/names.ts";

const FNV_OFFSET = 0x811c_9dc5;
const FNV_PRIME = 0x0100_0193;
const HASHED = 0x8000_0000;

export function tagOf(name: string): number {
  return decimalId(name) ?? hash(name);
}

/**
 * Returns the FNV-1a hash of the name's ASCII characters. A final mix improves the low bits, which vary
 * little for short names.
 */
function hash(name: string): number {
  let hashed = FNV_OFFSET;
  for (let index = 0; index < name.length; index += 1)
    hashed = Math.imul(hashed ^ name.charCodeAt(index), FNV_PRIME);
  hashed = Math.imul(hashed ^ (hashed >>> 15), 0x2c1b_3c6d);
  return ((hashed ^ (hashed >>> 13)) | HASHED) >>> 0;
}
