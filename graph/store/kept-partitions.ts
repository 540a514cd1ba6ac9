// A graph's directory records the partitions whose rows it holds. It is refused for any others: it would
// return incomplete lists and accept changes to rows that no service reads.

import { quote } from "../../lib/errors.ts";
import { GraphError } from "../errors.ts";
import { Partitions } from "../partitions.ts";
import { type Database, readNumber } from "./database.ts";
import { BLOCKED, META } from "./keys.ts";

/**
 * Records the partitions of an empty graph. Checks those of any other graph.
 * @throws GraphError GRAPH_OTHER_PARTITIONS
 */
export async function keepPartitions(db: Database, directory: string, wanted: Partitions): Promise<void> {
  const kept = keptPartitions(db);
  if (kept === String(wanted)) return;
  if (!(await isEmpty(db))) {
    const remedy =
      kept === String(Partitions.whole)
        ? `export it and load it into another folder with --partitions ${wanted}, or serve it without --partitions`
        : `serve it with --partitions ${kept}, or export it and load it into another folder`;
    throw new GraphError(
      "GRAPH_OTHER_PARTITIONS",
      `${quote(directory)} holds partitions ${kept} and not ${wanted}: ${remedy}`,
    );
  }
  await db.put(META.partitions, new TextEncoder().encode(String(wanted)), { sync: true });
}

/** Returns the partitions whose rows a graph holds, in the form of `--partitions`. */
export function keptPartitions(db: Database): string {
  const stored = db.getSync(META.partitions);
  return stored === undefined ? String(Partitions.whole) : new TextDecoder().decode(stored);
}

/** Returns whether a graph holds no follow, no blocked user and no unfinished load. */
export async function isEmpty(db: Database): Promise<boolean> {
  if (db.getSync(META.loading) !== undefined) return false;
  if (readNumber((key) => db.getSync(key), META.follows) > 0) return false;
  return (await db.keys({ ...BLOCKED, limit: 1 }).all()).length === 0;
}
