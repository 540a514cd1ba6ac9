// Follows gathered in memory, as pairs of ids in pieces of fixed size: growing never copies. 8 bytes an follow. Who fills
// it bounds it.

/** Follows a piece: 8 MiB. */
const PIECE_EDGES = 1_048_576;

export class FollowBlock {
  #pieces: Uint32Array[] = [];
  #last: Uint32Array = new Uint32Array(0);
  /** Numbers in the last piece: two an follow. */
  #used = 0;

  get length(): number {
    const full = Math.max(0, this.#pieces.length - 1);
    return full * PIECE_EDGES + this.#used / 2;
  }

  add(from: number, to: number): void {
    if (this.#used === this.#last.length) {
      this.#last = new Uint32Array(2 * PIECE_EDGES);
      this.#pieces.push(this.#last);
      this.#used = 0;
    }
    this.#last[this.#used] = from;
    this.#last[this.#used + 1] = to;
    this.#used += 2;
  }

  /** The follows, `from, to, from, to …`. Views. */
  pieces(): Uint32Array[] {
    return this.#pieces.map((piece) => (piece === this.#last ? piece.subarray(0, this.#used) : piece));
  }

  clear(): void {
    this.#pieces = [];
    this.#last = new Uint32Array(0);
    this.#used = 0;
  }
}
