// The cursors that a pool wrote last, by a number that only grows, so that a stream remembers in four bytes which one
// it was sent: the last words of a stream carry it once more. Owned by one pool; the native pool's twin is
// edge/pool/native/src/positions.h. At most KEPT_POSITIONS; the copies of one event, which come one by one where each
// user has a subscription, are never so far apart.

export const KEPT_POSITIONS = 64;

export class Positions {
  readonly #cursors: string[] = [];
  /** The number of the newest. */
  #newest = -1;

  /** The number of a cursor that is written now. Usually it is the newest, or newer than all. */
  note(cursor: string): number {
    if (this.#at(this.#newest) !== cursor) {
      this.#newest += 1;
      this.#cursors[this.#newest % KEPT_POSITIONS] = cursor;
    }
    return this.#newest;
  }

  /** The same for a cursor that may have been written before: a stream that opens was told its cursor a moment ago. */
  find(cursor: string): number {
    for (let number = this.#newest; number >= this.#oldest; number -= 1)
      if (this.#at(number) === cursor) return number;
    return this.note(cursor);
  }

  /**
   * The cursor of a number. Where it is not kept any more, the oldest that is: an event for that stream which passed in
   * between would have been written to it, and the stream have a newer number. So it is never ahead of what was written.
   */
  cursorOf(number: number): string {
    return this.#at(Math.max(number, this.#oldest)) ?? "";
  }

  get #oldest(): number {
    return Math.max(0, this.#newest - KEPT_POSITIONS + 1);
  }

  #at(number: number): string | undefined {
    return this.#cursors[number % KEPT_POSITIONS];
  }
}
