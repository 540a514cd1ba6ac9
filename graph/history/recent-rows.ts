// The newest rows in memory, so that fan-out and most replays need no disk reads: a ring of chunks in which
// the oldest chunk is reused first. Bounded by the number of chunks; rows that were overwritten are read from
// LevelDB. Owned by the history.
//
//   chunk 0 │ row row row … │ chunk 1 │ row row … │ chunk 2, being filled │ chunk 3, the oldest, reused next
//
// A row's address is the number of its chunk times the chunk size, plus the offset in the chunk. Each row is
// preceded by its length.

import { OrdinalRing } from "./ordinal-ring.ts";

const CHUNK_BITS = 20;
const CHUNK_BYTES: number = 1 << CHUNK_BITS;
const LENGTH_BYTES = 4;

interface Chunk {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  used: number;
  /** The ordinal of the chunk's last row. */
  last: number;
}

export class RecentRows {
  readonly #maxChunks: number;
  readonly #chunks: Chunk[] = [];
  #current = -1;
  /** The addresses of the rows in memory. */
  readonly #addresses: OrdinalRing;

  /**
   * @param first the ordinal of the first row to be added
   * @param maxBytes the size of all chunks together; there are at least two
   */
  constructor(first: number, maxBytes: number) {
    this.#addresses = new OrdinalRing(first, Uint32Array);
    this.#maxChunks = Math.max(2, Math.floor(maxBytes / CHUNK_BYTES));
  }

  /** Memory used, in bytes. */
  get bytes(): number {
    return this.#chunks.length * CHUNK_BYTES + this.#addresses.bytes;
  }

  /**
   * Reserves space for the next row and returns it for the caller to fill. The bytes stay in use until their
   * chunk is reused.
   */
  reserve(length: number): Uint8Array {
    if (length + LENGTH_BYTES > CHUNK_BYTES) {
      this.#addresses.append(0);
      // too large for a chunk: this row and all earlier ones are read from disk
      this.#addresses.dropBefore(this.#addresses.next);
      return new Uint8Array(length);
    }
    let chunk = this.#chunks[this.#current];
    if (chunk === undefined || chunk.used + LENGTH_BYTES + length > CHUNK_BYTES) chunk = this.#nextChunk();
    const at = chunk.used;
    chunk.view.setUint32(at, length, true);
    chunk.used = at + LENGTH_BYTES + length;
    chunk.last = this.#addresses.next;
    this.#addresses.append(this.#current * CHUNK_BYTES + at);
    return chunk.bytes.subarray(at + LENGTH_BYTES, chunk.used);
  }

  /**
   * Returns the row of an ordinal, or undefined if it is not in memory. The result is a view, valid only
   * until the next turn of the event loop.
   */
  read(ordinal: number): Uint8Array | undefined {
    if (ordinal < this.#addresses.first || ordinal >= this.#addresses.next) return undefined;
    const address = this.#addresses.at(ordinal);
    const { bytes, view } = this.#chunks[address >>> CHUNK_BITS] as Chunk;
    const at = (address & (CHUNK_BYTES - 1)) + LENGTH_BYTES;
    return bytes.subarray(at, at + view.getUint32(at - LENGTH_BYTES, true));
  }

  /** Replaces a row, if it is in memory, with one that is not longer. */
  overwrite(ordinal: number, row: Uint8Array): void {
    const held = this.read(ordinal);
    if (held === undefined) return;
    held.fill(0);
    held.set(row);
    const address = this.#addresses.at(ordinal);
    const { view } = this.#chunks[address >>> CHUNK_BITS] as Chunk;
    view.setUint32(address & (CHUNK_BYTES - 1), row.length, true);
  }

  #nextChunk(): Chunk {
    this.#current = (this.#current + 1) % this.#maxChunks;
    const known = this.#chunks[this.#current];
    if (known !== undefined) {
      this.#addresses.dropBefore(known.last + 1);
      known.used = 0;
      return known;
    }
    const bytes = new Uint8Array(CHUNK_BYTES);
    const chunk = { bytes, view: new DataView(bytes.buffer), used: 0, last: 0 };
    this.#chunks.push(chunk);
    return chunk;
  }
}
