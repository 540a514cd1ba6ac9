// Collects follows in memory as pairs of ids, in pieces of fixed size, so that growing never copies. Takes 8
// bytes per follow. Its owner bounds it.

/** The number of follows in a piece of 8 MiB. */
const PIECE_FOLLOWS = 1_048_576;

export class FollowBlock {
  #pieces: Uint32Array[] = [];
  #last: Uint32Array = new Uint32Array(0);
  /** Numbers used in the last piece, two per follow. */
  #used = 0;

  get length(): number {
    const full = Math.max(0, this.#pieces.length - 1);
    return full * PIECE_FOLLOWS + this.#used / 2;
  }

  add(from: number, to: number): void {
    if (this.#used === this.#last.length) {
      this.#last = new Uint32Array(2 * PIECE_FOLLOWS);
      this.#pieces.push(this.#last);
      this.#used = 0;
    }
    this.#last[this.#used] = from;
    this.#last[this.#used + 1] = to;
    this.#used += 2;
  }

  /** Returns the follows as `from, to, from, to …`. Views, not copies. */
  pieces(): Uint32Array[] {
    return this.#pieces.map((piece) => (piece === this.#last ? piece.subarray(0, this.#used) : piece));
  }

  clear(): void {
    this.#pieces = [];
    this.#last = new Uint32Array(0);
    this.#used = 0;
  }
}
