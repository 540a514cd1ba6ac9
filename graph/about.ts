// What a graph's folder says of itself, while nobody serves it. Opens it for a moment; holds nothing.

import { readExtent } from "./audit/audit-log.ts";
import { openExisting, readNumber, withDatabase } from "./store/database.ts";
import { isEmpty, keptPartitions } from "./store/kept-partitions.ts";
import { META } from "./store/keys.ts";

export interface GraphFacts {
  /** Of which partitions its rows are, as `--partitions` takes them; 0/1 is the whole graph. */
  readonly partitions: string;
  /** Follow relations. */
  readonly follows: number;
  /** The last change. */
  readonly sequence: number;
  /** Nothing is in it: it may become anybody's. */
  readonly empty: boolean;
  /** The load that did not finish. */
  readonly loading?: string;
}

/** @throws GraphError GRAPH_DIR_FOREIGN where there is no graph, GRAPH_DIR_BUSY while it is served, GRAPH_DAMAGED */
export async function readGraphFacts(directory: string): Promise<GraphFacts> {
  return withDatabase(await openExisting(directory), async (db) => {
    const loading = db.getSync(META.loading);
    return {
      partitions: keptPartitions(db),
      follows: readNumber((key) => db.getSync(key), META.follows),
      sequence: (await readExtent(db)).last,
      empty: await isEmpty(db),
      ...(loading === undefined ? {} : { loading: new TextDecoder().decode(loading) }),
    };
  });
}
