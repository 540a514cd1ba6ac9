// A folder remembers of which partitions its rows are. Served for others it would answer without the rows it lacks and
// change rows that nobody looks at: so it is refused.

import { quote } from "../../lib/errors.ts";
import { GraphError } from "../errors.ts";
import { Partitions } from "../partitions.ts";
import { type Database, readNumber } from "./database.ts";
import { BLOCKED, META } from "./keys.ts";

/**
 * Notes in an empty graph of which partitions it will be; elsewhere makes sure that it is of these.
 * @throws GraphError GRAPH_OTHER_PARTITIONS
 */
export async function keepPartitions(db: Database, directory: string, wanted: Partitions): Promise<void> {
  const kept = keptPartitions(db);
  if (kept === String(wanted)) return;
  if (!(await isEmpty(db))) {
    const remedy =
      kept === String(Partitions.whole)
        ? `export it and load it into another folder with --partitions ${wanted}, or serve it without`
        : `serve it with --partitions ${kept}, or export it and load it into another folder`;
    throw new GraphError(
      "GRAPH_OTHER_PARTITIONS",
      `${quote(directory)} holds partitions ${kept} and not ${wanted}: ${remedy}`,
    );
  }
  await db.put(META.partitions, new TextEncoder().encode(String(wanted)), { sync: true });
}

/** Of which partitions a graph's rows are, in the form of `--partitions`. */
export function keptPartitions(db: Database): string {
  const stored = db.getSync(META.partitions);
  return stored === undefined ? String(Partitions.whole) : new TextDecoder().decode(stored);
}

/** No follow relation, nobody who is blocked, no half load. */
export async function isEmpty(db: Database): Promise<boolean> {
  if (db.getSync(META.loading) !== undefined) return false;
  if (readNumber((key) => db.getSync(key), META.follows) > 0) return false;
  return (await db.keys({ ...BLOCKED, limit: 1 }).all()).length === 0;
}
