// The cursors that a pool wrote last, numbered in increasing order, so that a stream can record its last
// cursor in four bytes: its goodbye repeats it. Owned by one pool; the native pool's counterpart is
// edge/pool/native/src/positions.h. Keeps KEPT_POSITIONS cursors; the copies of one event, which arrive
// singly in `subject` mode, are never that far apart.

export const KEPT_POSITIONS = 64;

export class Positions {
  readonly #cursors: string[] = [];
  /** The number of the newest cursor. */
  #newest = -1;

  /** The number of the newest cursor. */
  get newest(): number {
    return this.#newest;
  }

  /** Returns the number of a cursor that is written now. It is usually the newest cursor or a newer one. */
  note(cursor: string): number {
    if (this.#at(this.#newest) !== cursor) {
      this.#newest += 1;
      this.#cursors[this.#newest % KEPT_POSITIONS] = cursor;
    }
    return this.#newest;
  }

  /**
   * Returns the number of a cursor that may have been written before, such as that of a stream that is being
   * opened.
   */
  find(cursor: string): number {
    for (let number = this.#newest; number >= this.#oldest; number -= 1)
      if (this.#at(number) === cursor) return number;
    return this.note(cursor);
  }

  /**
   * Returns the cursor with this number or, if it is no longer kept, the oldest one that is. That one is
   * never ahead of what was written to the stream: an event for the stream in between would have given it a
   * newer number.
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
