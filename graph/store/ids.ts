// Sorted sets of u32 ids and their bytes. A row of the store is such a set, written as varints of the differences
// between neighbours: followers of one topic lie close together, so most take one or two bytes.

import { GraphError } from "../errors.ts";

/** A growing, sorted set of unique u32 ids. Insertion moves what lies behind: for sets of some thousands. */
export class SortedIds {
  #ids: Uint32Array;
  #length: number;

  /** @param ids sorted and unique; taken over, not copied */
  constructor(ids: Uint32Array = new Uint32Array(0)) {
    this.#ids = ids;
    this.#length = ids.length;
  }

  get length(): number {
    return this.#length;
  }

  /** The ids, in ascending order. A view: valid until the next change. */
  get values(): Uint32Array {
    return this.#ids.subarray(0, this.#length);
  }

  /** False where it was there. */
  add(id: number): boolean {
    const at = lowerBound(this.values, id);
    if (at < this.#length && this.#ids[at] === id) return false;
    if (this.#length === this.#ids.length) {
      const larger = new Uint32Array(Math.max(8, this.#length + (this.#length >> 1)));
      larger.set(this.#ids);
      this.#ids = larger;
    }
    this.#ids.copyWithin(at + 1, at, this.#length);
    this.#ids[at] = id;
    this.#length += 1;
    return true;
  }

  /** False where it was not there. */
  remove(id: number): boolean {
    const at = lowerBound(this.values, id);
    if (at === this.#length || this.#ids[at] !== id) return false;
    this.#ids.copyWithin(at, at + 1, this.#length);
    this.#length -= 1;
    return true;
  }
}

/** Index of the first id that is not below `id`. */
export function lowerBound(ids: Uint32Array, id: number): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ids[middle] as number) < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The union of two sorted, unique sets, sorted and unique. */
export function union(left: Uint32Array, right: Uint32Array): Uint32Array {
  const both = new Uint32Array(left.length + right.length);
  let l = 0;
  let r = 0;
  let length = 0;
  while (l < left.length && r < right.length) {
    const a = left[l] as number;
    const b = right[r] as number;
    if (a <= b) l += 1;
    if (b <= a) r += 1;
    both[length] = a < b ? a : b;
    length += 1;
  }
  both.set(left.subarray(l), length); // one of the two is at its end
  both.set(right.subarray(r), length);
  return both.subarray(0, length + left.length - l + right.length - r);
}

/** Most bytes that one varint of 32 bits takes. */
export const VARINT_BYTES = 5;

/** Writes `value` at `at`; answers the position behind it. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let position = at;
  let rest = value;
  while (rest > 0x7f) {
    bytes[position] = (rest & 0x7f) | 0x80;
    position += 1;
    rest >>>= 7;
  }
  bytes[position] = rest;
  return position + 1;
}

/** Reads varints one after the other. @throws GraphError GRAPH_DAMAGED behind the end */
export class VarintReader {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  next(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) break;
      this.#at += 1;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw endsEarly();
  }

  /** Reads `count` differences, and writes the ids that they make to the beginning of `into`. */
  nextIds(into: Uint32Array, count: number): void {
    this.#at = decodeIds(this.#bytes, this.#at, into, count);
  }
}

/**
 * Decodes `count` differences at `at` into the ids that they make; answers the position behind them. The one loop that
 * every follower of every event goes through: most differences take one, two or three bytes.
 * @throws GraphError GRAPH_DAMAGED behind the end
 */
function decodeIds(bytes: Uint8Array, at: number, into: Uint32Array, count: number): number {
  // a difference takes a byte at least: what claims to be more ids than there are bytes is not read at all
  if (count > bytes.length - at || count > into.length) throw endsEarly();
  let position = at;
  let id = 0;
  for (let i = 0; i < count; i += 1) {
    let byte = bytes[position] as number;
    position += 1;
    let difference = byte;
    if (byte > 0x7f) {
      difference &= 0x7f;
      let shift = 7;
      do {
        byte = bytes[position] as number;
        position += 1;
        difference |= (byte & 0x7f) << shift;
        shift += 7;
      } while (byte > 0x7f && shift < 35);
    }
    id = (id + difference) >>> 0;
    into[i] = id;
  }
  if (position > bytes.length) throw endsEarly(); // what was read there was nothing
  return position;
}

/** Decodes a count and so many ids at `at`; answers the count. @throws GraphError GRAPH_DAMAGED behind the end */
export function decodeSet(bytes: Uint8Array, at: number, into: Uint32Array): number {
  let position = at;
  let count = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = bytes[position] as number;
    position += 1;
    count |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  decodeIds(bytes, position, into, count);
  return count;
}

function endsEarly(): GraphError {
  return new GraphError(
    "GRAPH_DAMAGED",
    "a row of the graph ends early: restore the directory from a backup or load it anew",
  );
}

/** Appends the differences of `ids` at `at`; answers the position behind them. */
export function writeIds(bytes: Uint8Array, at: number, ids: Uint32Array): number {
  let position = at;
  let previous = 0;
  for (let i = 0; i < ids.length; i += 1) {
    const id = ids[i] as number;
    position = writeVarint(bytes, position, id - previous);
    previous = id;
  }
  return position;
}

/** Reads `count` ids. @throws GraphError GRAPH_DAMAGED behind the end */
export function readIds(reader: VarintReader, count: number): Uint32Array {
  const ids = new Uint32Array(count);
  reader.nextIds(ids, count);
  return ids;
}
