// A block: consecutive rows that LevelDB holds as one record, because a record per row costs twice as much
// CPU. Each row is preceded by its length, in a block as in the recent rows, so a block is a copy of a
// stretch of the recent rows:
//
//   u32 length │ row │ u32 length │ row │ …
//
// The rank of a row is the number of rows before it in its block.

import { decodeRowAt, eraseRowAt, memoryOf, ROW_KIND, type Row, type RowMemory } from "./row.ts";

/** Bytes before each row. */
export const LENGTH_BYTES = 4;
/** Maximum number of rows per block: ranks are stored as bytes. */
export const MAX_BLOCK_ROWS = 256;
/** Maximum size of a block, unless it is a single row. To read one row from disk, its block is read. */
export const MAX_BLOCK_BYTES = 8_192;

/** Joins rows into a block. */
export function joinRows(rows: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(rows.reduce((sum, row) => sum + LENGTH_BYTES + row.length, 0));
  const view = new DataView(joined.buffer);
  let at = 0;
  for (const row of rows) {
    view.setUint32(at, row.length, true);
    joined.set(row, at + LENGTH_BYTES);
    at += LENGTH_BYTES + row.length;
  }
  return joined;
}

export class Block {
  readonly #memory: RowMemory;

  constructor(bytes: Uint8Array) {
    this.#memory = memoryOf(bytes);
  }

  get bytes(): Uint8Array {
    return this.#memory.bytes;
  }

  /** Returns the row of a rank, or undefined if there is none. Its body is a view of the block. O(rank). */
  row(rank: number): Row | undefined {
    const at = this.#offsetOf(rank);
    return at === undefined ? undefined : this.#rowAt(at);
  }

  /** Returns all rows, or undefined if the bytes are not a block. */
  rows(): Row[] | undefined {
    const rows: Row[] = [];
    for (let at = 0; at < this.bytes.length; at = this.#endOf(at)) {
      const row = this.#rowAt(at);
      if (row === undefined) return undefined;
      rows.push(row);
    }
    return rows;
  }

  /** Erases the row of a rank. Its time and id remain. */
  erase(rank: number, id: string): void {
    const at = this.#offsetOf(rank);
    if (at !== undefined) eraseRowAt(ROW_KIND.empty, id, this.#memory, at + LENGTH_BYTES, this.#endOf(at));
  }

  #rowAt(at: number): Row | undefined {
    if (at + LENGTH_BYTES > this.bytes.length) return undefined;
    return decodeRowAt(this.#memory, at + LENGTH_BYTES, this.#endOf(at));
  }

  #endOf(at: number): number {
    return at + LENGTH_BYTES + this.#memory.view.getUint32(at, true);
  }

  /** Returns the offset of a row's length, or undefined if the block has fewer rows. */
  #offsetOf(rank: number): number | undefined {
    let at = 0;
    for (let before = 0; before < rank; before += 1) {
      if (at + LENGTH_BYTES > this.bytes.length) return undefined;
      at = this.#endOf(at);
    }
    return at < this.bytes.length ? at : undefined;
  }
}
