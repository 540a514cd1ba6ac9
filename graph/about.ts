// Reports what a graph directory holds while it is not being served. Opens the directory for a moment and
// keeps nothing.

import { readExtent } from "./audit/audit-log.ts";
import { openExisting, readNumber, withDatabase } from "./store/database.ts";
import { isEmpty, keptPartitions } from "./store/kept-partitions.ts";
import { META } from "./store/keys.ts";

export interface GraphFacts {
  /**
   * The partitions whose rows the directory holds, in the form of `--partitions`; `0/1` is the whole graph.
   */
  readonly partitions: string;
  /** The number of follows. */
  readonly follows: number;
  /** The sequence number of the last change. */
  readonly sequence: number;
  /** The graph holds nothing, so it can be served for any partitions. */
  readonly empty: boolean;
  /** The source of a bulk load that did not finish. */
  readonly loading?: string;
}

/**
 * @throws GraphError GRAPH_DIR_FOREIGN if there is no graph, GRAPH_DIR_BUSY while it is served, GRAPH_DAMAGED
 */
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
