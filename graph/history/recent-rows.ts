// The newest rows in memory, so that fan-out and most replays need no disk reads: a ring of chunks in which
// the oldest chunk is reused first. Bounded by the bytes of all chunks; rows that were overwritten are read
// from LevelDB. Owned by the history.
//
//   chunk 0 │ row row row … │ chunk 1 │ row row … │ chunk 2, being filled │ chunk 3, the oldest, reused next
//
// A row's address is the number of its chunk times the chunk size, plus the offset in the chunk. Each row is
// preceded by its length, as in a block. A row that is larger than a chunk is held alone, in the place of as
// many chunks as it needs.

import { LENGTH_BYTES } from "./block.ts";
import { OrdinalRing } from "./ordinal-ring.ts";
import { decodeRowAt, encodeRowAt, eraseRowAt, memoryOf, ROW_KIND, type Row, type RowMemory } from "./row.ts";

const CHUNK_BITS = 20;
const CHUNK_BYTES: number = 1 << CHUNK_BITS;

/** A class, so that all chunks have one shape: code for another shape would be compiled again per chunk. */
class Chunk implements RowMemory {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  used = 0;
  /** The ordinal of the chunk's last row. */
  last: number;

  constructor(size: number, last: number) {
    const { bytes, view } = memoryOf(new Uint8Array(size));
    this.bytes = bytes;
    this.view = view;
    this.last = last;
  }
}

export class RecentRows {
  readonly #maxChunks: number;
  /** The chunks by number. A chunk without bytes has given its place to the large row before it. */
  readonly #chunks: Chunk[] = [];
  #current = -1;
  /** The chunk to be filled after the current one. */
  #following = 0;
  #chunkBytes = 0;
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
    return this.#chunkBytes + this.#addresses.bytes;
  }

  /** Adds the next row, which has this encoded length. It stays in memory until its chunk is reused. */
  append(row: Row, length: number): void {
    let chunk = this.#chunks[this.#current];
    if (chunk === undefined || chunk.used + LENGTH_BYTES + length > chunk.bytes.length)
      chunk = this.#nextChunk(LENGTH_BYTES + length);
    const at = chunk.used;
    chunk.view.setUint32(at, length, true);
    encodeRowAt(row, chunk, at + LENGTH_BYTES);
    chunk.used = at + LENGTH_BYTES + length;
    chunk.last = this.#addresses.next;
    this.#addresses.append(this.#current * CHUNK_BYTES + at);
  }

  /**
   * Returns the row of an ordinal, or undefined if it is not in memory. Its body is a view, valid only until
   * the next turn of the event loop.
   */
  read(ordinal: number): Row | undefined {
    if (!this.#has(ordinal)) return undefined;
    const { chunk, start, end } = this.#find(ordinal);
    return decodeRowAt(chunk, start, end);
  }

  /**
   * Returns the encoded row of an ordinal, or undefined if it is not in memory. A view like that of `read`.
   */
  bytesOf(ordinal: number): Uint8Array | undefined {
    if (!this.#has(ordinal)) return undefined;
    const { chunk, start, end } = this.#find(ordinal);
    return chunk.bytes.subarray(start, end);
  }

  /**
   * Returns consecutive rows as a block, or undefined if they are not in one chunk in memory. A view like
   * that of `read`.
   */
  blockOf(first: number, last: number): Uint8Array | undefined {
    if (!this.#has(first) || !this.#has(last)) return undefined;
    const { chunk, start } = this.#find(first);
    const found = this.#find(last);
    return chunk === found.chunk ? chunk.bytes.subarray(start - LENGTH_BYTES, found.end) : undefined;
  }

  /** Erases a row if it is in memory. Its time and id remain. */
  erase(ordinal: number, id: string): void {
    if (!this.#has(ordinal)) return;
    const { chunk, start, end } = this.#find(ordinal);
    eraseRowAt(ROW_KIND.empty, id, chunk, start, end);
  }

  #has(ordinal: number): boolean {
    return ordinal >= this.#addresses.first && ordinal < this.#addresses.next;
  }

  #find(ordinal: number): { readonly chunk: Chunk; readonly start: number; readonly end: number } {
    const address = this.#addresses.at(ordinal);
    const chunk = this.#chunks[address >>> CHUNK_BITS] as Chunk;
    const start = (address & (CHUNK_BYTES - 1)) + LENGTH_BYTES;
    return { chunk, start, end: start + chunk.view.getUint32(start - LENGTH_BYTES, true) };
  }

  /** Empties the oldest chunk and makes it the current one. It gets room for at least `length` bytes. */
  #nextChunk(length: number): Chunk {
    const first = this.#following;
    const places = Math.min(Math.ceil(length / CHUNK_BYTES), this.#maxChunks);
    const chunk = this.#renew(first, Math.max(CHUNK_BYTES, length));
    for (let more = 1; more < places; more += 1) this.#renew((first + more) % this.#maxChunks, 0);
    this.#current = first;
    this.#following = (first + places) % this.#maxChunks;
    return chunk;
  }

  #renew(index: number, size: number): Chunk {
    const known = this.#chunks[index];
    if (known !== undefined) this.#addresses.dropBefore(known.last + 1);
    if (known?.bytes.length === size) {
      known.used = 0;
      return known;
    }
    this.#chunkBytes += size - (known?.bytes.length ?? 0);
    const chunk = new Chunk(size, known?.last ?? 0);
    this.#chunks[index] = chunk;
    return chunk;
  }
}
