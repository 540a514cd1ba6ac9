// Reads an edge list as friendships and says what graph it is, without loading it: how many users, edges and doubles,
// and how the degrees are distributed. Reads, checks and sorts as the loader does, in the same bounded memory.

import { EdgeSorter } from "../load/edge-sorter.ts";
import type { EdgeSource } from "../load/edge-source.ts";
import { type Gathered, gatherEdges } from "../load/gather.ts";
import type { Rows } from "../load/rows.ts";
import { Names } from "../store/names.ts";
import { Degrees } from "./degrees.ts";
import { fitPowerLaw, type PowerLaw } from "./exponent.ts";

export interface CheckOptions {
  /** For what does not fit into memory; made and removed. */
  readonly folder: string;
  readonly strict?: boolean;
  readonly onProgress?: (bytes: number, total: number) => void;
}

export interface GraphShapeReport extends Gathered {
  readonly users: number;
  /** Different friendships. */
  readonly edges: number;
  /** Lines that an earlier one had already said, either way round. */
  readonly duplicates: number;
  readonly degrees: Degrees;
  readonly powerLaw: PowerLaw | undefined;
}

/** @throws GraphError BAD_EDGE_FILE */
export async function checkEdges(source: EdgeSource, options: CheckOptions): Promise<GraphShapeReport> {
  const { folder, strict, onProgress } = options;
  const sorter = new EdgeSorter({ mutual: true, folder });
  try {
    const names = new Names(() => undefined).batch();
    const gathered = await gatherEdges(source, {
      ...{ kind: "friendships", strict },
      intern: (name) => names.intern(name),
      add: (from, to) => sorter.add(from, to),
      onProgress: (done, total) => onProgress?.(done, total),
    });
    const degrees = new Degrees(lengths(sorter.finish().backward));
    const { users, mean } = degrees;
    const edges = Math.round((users * mean) / 2);
    const duplicates = sorter.length - edges;
    return { users, edges, duplicates, degrees, powerLaw: fitPowerLaw(degrees), ...gathered };
  } finally {
    sorter.remove();
  }
}

function* lengths(rows: Rows): Generator<number> {
  for (const { ids } of rows) yield ids.length;
}
