// Maps the ids that follows use to places 0 … size − 1, in the order of the ids, so that tables can be
// arrays. The place of a dense id is computed. Sparse ids are looked up in a sorted list of those in use,
// which takes 4 bytes per id, and 8 bytes per follow while it is built.

import type { FollowBlock } from "./follow-block.ts";

/** Interned ids begin here (names.ts). Their places follow those of decimal ids. */
const FIRST_INTERNED = 0x8000_0000;
/** Unused places that cost less than a search: a fixed number, and a number per follow. */
const SPARE_PLACES = 65_536;
const SPARE_PLACES_PER_FOLLOW = 4;

export class IdSpace {
  readonly #sparse: Uint32Array | undefined;
  readonly #decimals: number;
  readonly size: number;

  constructor(follows: FollowBlock) {
    let lastDecimal = -1;
    let lastInterned = -1;
    for (const piece of follows.pieces()) {
      for (let i = 0; i < piece.length; i += 1) {
        const id = piece[i] as number;
        if (id < FIRST_INTERNED) {
          if (id > lastDecimal) lastDecimal = id;
        } else if (id - FIRST_INTERNED > lastInterned) lastInterned = id - FIRST_INTERNED;
      }
    }
    this.#decimals = lastDecimal + 1;
    this.size = this.#decimals + lastInterned + 1;
    if (this.size <= SPARE_PLACES_PER_FOLLOW * follows.length + SPARE_PLACES) return;
    this.#sparse = sortedUnique(follows);
    this.size = this.#sparse.length;
  }

  /** Whether every id is its own place. */
  get isIdentity(): boolean {
    return this.#sparse === undefined && this.size === this.#decimals;
  }

  placeOf(id: number): number {
    if (this.#sparse === undefined) return id < FIRST_INTERNED ? id : this.#decimals + (id - FIRST_INTERNED);
    let low = 0;
    let high = this.#sparse.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#sparse[middle] as number) < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  idAt(place: number): number {
    if (this.#sparse !== undefined) return this.#sparse[place] as number;
    return place < this.#decimals ? place : FIRST_INTERNED + (place - this.#decimals);
  }
}

function sortedUnique(follows: FollowBlock): Uint32Array {
  const all = new Uint32Array(2 * follows.length);
  let at = 0;
  for (const piece of follows.pieces()) {
    all.set(piece, at);
    at += piece.length;
  }
  all.sort();
  let length = 0;
  for (const id of all) {
    if (length > 0 && all[length - 1] === id) continue;
    all[length] = id;
    length += 1;
  }
  return all.slice(0, length);
}
