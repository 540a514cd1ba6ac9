// Rows of follows that fit in memory: offsets and one array of neighbours. Transposing a table of unsorted
// rows sorts them, because it is read in order: linear in the follows. Takes at most 16 bytes per follow in
// addition to the follows.

import type { FollowBlock } from "./follow-block.ts";
import { IdSpace } from "./id-space.ts";
import type { BothRows, Row, Rows } from "./rows.ts";

/** The neighbours of place p are at offsets[p] to offsets[p + 1]. */
interface Table {
  readonly offsets: Uint32Array;
  readonly neighbours: Uint32Array;
}

/**
 * Builds rows and empties the block. With `mutual`, every follow counts in both directions, and both results
 * are the same object.
 */
export function buildRows(follows: FollowBlock, mutual: boolean): BothRows {
  const space = new IdSpace(follows);
  const unsorted = group(follows, space, mutual);
  follows.clear();
  // mutual rows have the same lengths in both directions
  const table = turn(unsorted, mutual ? unsorted.offsets : countTurned(unsorted));
  const backward = new TableRows(table, space);
  const forward = mutual ? backward : new TableRows(turn(table, countTurned(table)), space);
  backward.settle();
  if (!mutual) forward.settle();
  return { forward, backward };
}

function group(follows: FollowBlock, space: IdSpace, mutual: boolean): Table {
  const counts = new Uint32Array(space.size + 1);
  const step = mutual ? 1 : 2;
  const pieces = follows.pieces();
  for (const piece of pieces) {
    for (let i = 0; i < piece.length; i += 1) piece[i] = space.placeOf(piece[i] as number);
    for (let i = 0; i < piece.length; i += step) increment(counts, (piece[i] as number) + 1);
  }
  const offsets = sumUp(counts);
  const next = offsets.slice();
  const neighbours = new Uint32Array(offsets.at(-1) ?? 0);
  for (const piece of pieces) {
    for (let i = 0; i < piece.length; i += 2) {
      const from = piece[i] as number;
      const to = piece[i + 1] as number;
      neighbours[increment(next, from)] = to;
      if (mutual) neighbours[increment(next, to)] = from;
    }
  }
  return { offsets, neighbours };
}

/** Returns the offsets of the transposed table. */
function countTurned({ offsets, neighbours }: Table): Uint32Array {
  const counts = new Uint32Array(offsets.length);
  for (let i = 0; i < neighbours.length; i += 1) increment(counts, (neighbours[i] as number) + 1);
  return sumUp(counts);
}

/** Returns the transposed table, whose rows are sorted. Takes ownership of `offsets`. */
function turn(table: Table, offsets: Uint32Array): Table {
  const size = offsets.length - 1;
  const next = offsets.slice();
  const neighbours = new Uint32Array(table.neighbours.length);
  for (let place = 0; place < size; place += 1) {
    const end = table.offsets[place + 1] as number;
    for (let i = table.offsets[place] as number; i < end; i += 1) {
      neighbours[increment(next, table.neighbours[i] as number)] = place;
    }
  }
  return { offsets, neighbours };
}

/** Increments a number. Returns its previous value. */
function increment(numbers: Uint32Array, at: number): number {
  const before = numbers[at] as number;
  numbers[at] = before + 1;
  return before;
}

function sumUp(counts: Uint32Array): Uint32Array {
  for (let i = 1; i < counts.length; i += 1) counts[i] = (counts[i] as number) + (counts[i - 1] as number);
  return counts;
}

class TableRows implements Rows {
  readonly #table: Table;
  readonly #space: IdSpace;

  constructor(table: Table, space: IdSpace) {
    this.#table = table;
    this.#space = space;
  }

  get size(): number {
    return this.#table.offsets.at(-1) ?? 0;
  }

  /** Removes duplicates and replaces places by ids, in place. */
  settle(): void {
    const { offsets, neighbours } = this.#table;
    const identity = this.#space.isIdentity;
    let length = 0;
    let start = 0;
    for (let place = 0; place + 1 < offsets.length; place += 1) {
      const end = offsets[place + 1] as number;
      const rowStart = length;
      for (let i = start; i < end; i += 1) {
        const neighbour = neighbours[i] as number;
        const id = identity ? neighbour : this.#space.idAt(neighbour);
        if (length > rowStart && neighbours[length - 1] === id) continue;
        neighbours[length] = id;
        length += 1;
      }
      start = end;
      offsets[place + 1] = length;
    }
  }

  *[Symbol.iterator](): Generator<Row> {
    const { offsets, neighbours } = this.#table;
    for (let place = 0; place + 1 < offsets.length; place += 1) {
      const from = offsets[place] as number;
      const to = offsets[place + 1] as number;
      if (from < to) yield { id: this.#space.idAt(place), ids: neighbours.subarray(from, to) };
    }
  }
}
