// Sorted sets of u32 ids.

/**
 * A growing, sorted set of unique u32 ids. Insertion moves all larger ids, so it suits sets of some
 * thousands.
 */
export class SortedIds {
  #ids: Uint32Array;
  #length: number;

  /** @param ids sorted and unique; becomes part of the set without being copied */
  constructor(ids: Uint32Array = new Uint32Array(0)) {
    this.#ids = ids;
    this.#length = ids.length;
  }

  get length(): number {
    return this.#length;
  }

  /** The ids in ascending order. A view, valid until the next change. */
  get values(): Uint32Array {
    return this.#ids.subarray(0, this.#length);
  }

  /** Returns false if the id was already in the set. */
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

  /** Returns false if the id was not in the set. */
  remove(id: number): boolean {
    const at = lowerBound(this.values, id);
    if (at === this.#length || this.#ids[at] !== id) return false;
    this.#ids.copyWithin(at, at + 1, this.#length);
    this.#length -= 1;
    return true;
  }
}

/** Returns the index of the first id that is not below `id`. */
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

/** Returns the sorted union of two sorted sets without duplicates. */
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
  both.set(left.subarray(l), length); // one of the two is exhausted
  both.set(right.subarray(r), length);
  return both.subarray(0, length + left.length - l + right.length - r);
}
