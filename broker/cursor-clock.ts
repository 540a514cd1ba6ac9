// The stamps in front of one edge's cursors: milliseconds since 1970, times 4,096, plus a counter. They only
// ascend, also when the wall clock is set back and when a reader comes from an edge whose clock is ahead, so
// the cursors of one reader sort in the order in which it received them. Owned by an edge.

const PER_MS = 4_096;
/** A cursor from further in the future is not trusted to move the clock. */
const MAX_AHEAD_MS = 60_000;

export class CursorClock {
  readonly #wallMs: () => number;
  #last = 0;
  /** Cursors that came from so far in the future that the clock did not follow them. */
  refused = 0;

  /** @param wallMs returns milliseconds since 1970 */
  constructor(wallMs: () => number = Date.now) {
    this.#wallMs = wallMs;
  }

  /** Returns the first of this many consecutive stamps. All are later than those returned before. */
  take(count = 1): number {
    const first = Math.max(this.#last + 1, this.#wallMs() * PER_MS);
    this.#last = first + count - 1;
    return first;
  }

  /** Ensures that later stamps come after that of a cursor which a reader presented. */
  follow(stamp: number): void {
    if (stamp > (this.#wallMs() + MAX_AHEAD_MS) * PER_MS) this.refused += 1;
    else this.#last = Math.max(this.#last, stamp);
  }
}
