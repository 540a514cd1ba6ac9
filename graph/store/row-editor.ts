// Collects changes to one row in memory and writes them as few operations. Loads only the chunks that it
// changes. Used by the store's single writer: nothing else changes the row between its first read and its
// write.

import type { Operation, Read } from "./database.ts";
import { lowerBound, SortedIds, union } from "./ids.ts";
import { chunkKey } from "./keys.ts";
import { type ChunkPlace, decodeRow, encodeChunk, encodeIndex, encodeInline, MAX_CHUNK_IDS } from "./row.ts";
import { readChunk } from "./row-reader.ts";

/**
 * A chunked row that shrinks below this size becomes inline again. Half the limit, which avoids frequent
 * switches.
 */
const INLINE_AGAIN = MAX_CHUNK_IDS / 2;

interface Chunk {
  readonly lower: number;
  /** Loaded when first used. */
  ids: SortedIds | undefined;
  count: number;
  changed: boolean;
}

export class RowEditor {
  readonly #key: string;
  readonly #read: Read;
  #chunks: Chunk[];
  /** The keys of the chunks in the database. */
  readonly #storedChunks: Set<string>;
  #changed = false;

  constructor(key: string, read: Read) {
    this.#key = key;
    this.#read = read;
    const bytes = read(key);
    const row = bytes === undefined ? undefined : decodeRow(bytes);
    if (row?.kind === "chunked") {
      this.#chunks = row.chunks.map(({ lower, count }) => ({ lower, count, ids: undefined, changed: false }));
    } else {
      const ids = row === undefined ? new SortedIds() : new SortedIds(row.ids);
      this.#chunks = [{ lower: 0, count: ids.length, ids, changed: false }];
    }
    this.#storedChunks = new Set(
      row?.kind === "chunked" ? row.chunks.map(({ lower }) => chunkKey(key, lower)) : [],
    );
  }

  get count(): number {
    return this.#chunks.reduce((sum, chunk) => sum + chunk.count, 0);
  }

  has(id: number): boolean {
    const { values } = this.#load(this.#chunks[this.#chunkIndexOf(id)] as Chunk);
    return values[lowerBound(values, id)] === id;
  }

  /** Returns false if the id was already in the row. */
  add(id: number): boolean {
    return this.#change(id, (ids) => ids.add(id));
  }

  /** Returns false if the id was not in the row. */
  remove(id: number): boolean {
    return this.#change(id, (ids) => ids.remove(id));
  }

  /** Adds a sorted set of unique ids. Returns how many of them are new. */
  addAll(ids: Uint32Array): number {
    const [first] = this.#chunks;
    if (this.#chunks.length > 1 || first === undefined || first.count + ids.length > MAX_CHUNK_IDS) {
      return ids.reduce<number>((added, id) => added + Number(this.add(id)), 0);
    }
    const before = first.count;
    first.ids = new SortedIds(union(this.#load(first).values, ids));
    first.count = first.ids.length;
    first.changed = true;
    this.#changed = true;
    return first.count - before;
  }

  /** Returns the operations that write the changes; none if nothing changed. */
  operations(): Operation[] {
    if (!this.#changed) return [];
    if (this.#chunks.length > 1 && this.count < INLINE_AGAIN) this.#joinChunks();
    const kept = this.#chunks.filter((chunk) => chunk.count > 0);
    const [only] = kept;
    if (only === undefined) return [{ type: "del", key: this.#key }, ...this.#removals([])];
    if (kept.length === 1) {
      return [
        { type: "put", key: this.#key, value: encodeInline(this.#load(only).values) },
        ...this.#removals([]),
      ];
    }
    const places: ChunkPlace[] = kept.map(({ lower, count }) => ({ lower, count }));
    return [
      { type: "put", key: this.#key, value: encodeIndex(places) },
      ...kept
        .filter((chunk) => chunk.changed)
        .map((chunk): Operation => {
          const key = chunkKey(this.#key, chunk.lower);
          return { type: "put", key, value: encodeChunk(this.#load(chunk).values) };
        }),
      ...this.#removals(kept),
    ];
  }

  #change(id: number, apply: (ids: SortedIds) => boolean): boolean {
    const index = this.#chunkIndexOf(id);
    const chunk = this.#chunks[index] as Chunk;
    const ids = this.#load(chunk);
    if (!apply(ids)) return false;
    chunk.count = ids.length;
    chunk.changed = true;
    this.#changed = true;
    if (ids.length > MAX_CHUNK_IDS) this.#split(index);
    return true;
  }

  /**
   * Returns the index of the last chunk whose lower bound is not above `id`. The first chunk has no effective
   * lower bound.
   */
  #chunkIndexOf(id: number): number {
    let low = 0;
    let high = this.#chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#chunks[middle] as Chunk).lower <= id) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #load(chunk: Chunk): SortedIds {
    if (chunk.ids === undefined) {
      chunk.ids = new SortedIds(readChunk(this.#read, this.#key, chunk.lower));
    }
    return chunk.ids;
  }

  #split(index: number): void {
    const chunk = this.#chunks[index] as Chunk;
    const values = this.#load(chunk).values;
    const half = values.length >>> 1;
    const halves = [
      { lower: chunk.lower, ids: values.slice(0, half) },
      { lower: values[half] as number, ids: values.slice(half) },
    ];
    this.#chunks.splice(
      index,
      1,
      ...halves.map(({ lower, ids }) => ({
        lower,
        ids: new SortedIds(ids),
        count: ids.length,
        changed: true,
      })),
    );
  }

  #joinChunks(): void {
    let all: Uint32Array = new Uint32Array(0);
    for (const chunk of this.#chunks) all = union(all, this.#load(chunk).values);
    this.#chunks = [{ lower: 0, ids: new SortedIds(all), count: all.length, changed: true }];
  }

  #removals(kept: readonly Chunk[]): Operation[] {
    const keys = new Set(kept.map((chunk) => chunkKey(this.#key, chunk.lower)));
    return [...this.#storedChunks].filter((key) => !keys.has(key)).map((key) => ({ type: "del", key }));
  }
}
