// Merges several sorted runs: rows of the same id become one row. Holds one row and one buffer per run.

import { union } from "../store/ids.ts";
import type { Row, Rows } from "./rows.ts";
import { RunReader } from "./run-file.ts";

export class MergedRows implements Rows {
  readonly #paths: readonly string[];
  readonly size: number;

  /** @param size the number of entries in all runs */
  constructor(paths: readonly string[], size: number) {
    this.#paths = paths;
    this.size = size;
  }

  *[Symbol.iterator](): Generator<Row> {
    const readers: RunReader[] = [];
    try {
      for (const path of this.#paths) readers.push(new RunReader(path));
      for (const reader of readers) reader.next();
      for (let id = lowestId(readers); id !== Infinity; id = lowestId(readers)) {
        const sets: Uint32Array[] = [];
        for (const reader of readers) {
          if (reader.row?.id !== id) continue;
          sets.push(reader.row.ids);
          reader.next();
        }
        yield { id, ids: unionAll(sets) };
      }
    } finally {
      for (const reader of readers) reader.close();
    }
  }
}

function lowestId(readers: readonly RunReader[]): number {
  let lowest = Infinity;
  for (const { row } of readers) if (row !== undefined && row.id < lowest) lowest = row.id;
  return lowest;
}

/** Unites pairwise, so that the cost grows with the logarithm of the number of runs. */
function unionAll(sets: readonly Uint32Array[]): Uint32Array {
  const [first = new Uint32Array(0), second] = sets;
  if (second === undefined) return first;
  const half = sets.length >>> 1;
  return union(unionAll(sets.slice(0, half)), unionAll(sets.slice(half)));
}
