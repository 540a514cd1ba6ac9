// Unions and intersections of long rows, set by set, so that a celebrity's row is never in memory as a whole.

import { lowerBound, union } from "./ids.ts";

type Sets = Iterable<Uint32Array>;

/**
 * Yields the ids in either row, ascending. Both inputs must ascend. A yielded set is at most as long as one
 * set of each.
 */
export function* unite(left: Sets, right: Sets): Generator<Uint32Array, void, void> {
  yield* meet(left, right, union, true);
}

/** Yields the ids in both rows, ascending. */
export function* intersect(left: Sets, right: Sets): Generator<Uint32Array, void, void> {
  yield* meet(left, right, intersection, false);
}

function* meet(
  left: Sets,
  right: Sets,
  combine: (left: Uint32Array, right: Uint32Array) => Uint32Array,
  keepsRest: boolean,
): Generator<Uint32Array, void, void> {
  const [l, r] = [new Cursor(left), new Cursor(right)];
  while (l.ids !== undefined && r.ids !== undefined) {
    // up to this id both sides are known
    const end = Math.min(l.last, r.last);
    const ids = combine(l.take(end), r.take(end));
    if (ids.length > 0) yield ids;
  }
  for (const rest of keepsRest ? [l, r] : []) {
    while (rest.ids !== undefined) yield rest.take(rest.last);
  }
}

/** Iterates over a row's sets and takes each in parts. */
class Cursor {
  readonly #sets: Iterator<Uint32Array>;
  /** The rest of the current set, never empty; undefined at the end. */
  ids: Uint32Array | undefined;

  constructor(sets: Sets) {
    this.#sets = sets[Symbol.iterator]();
    this.#advance();
  }

  get last(): number {
    return this.ids?.at(-1) ?? 0;
  }

  /** Takes the ids of the current set that are not above `end`. */
  take(end: number): Uint32Array {
    const ids = this.ids ?? new Uint32Array(0);
    const cut = lowerBound(ids, end + 1);
    this.ids = ids.subarray(cut);
    if (cut === ids.length) this.#advance();
    return ids.subarray(0, cut);
  }

  #advance(): void {
    let next = this.#sets.next();
    while (next.done !== true && next.value.length === 0) next = this.#sets.next();
    this.ids = next.done === true ? undefined : next.value;
  }
}

function intersection(left: Uint32Array, right: Uint32Array): Uint32Array {
  const both = new Uint32Array(Math.min(left.length, right.length));
  let [l, r, length] = [0, 0, 0];
  while (l < left.length && r < right.length) {
    const a = left[l] as number;
    const b = right[r] as number;
    if (a === b) {
      both[length] = a;
      length += 1;
    }
    if (a <= b) l += 1;
    if (b <= a) r += 1;
  }
  return both.subarray(0, length);
}
