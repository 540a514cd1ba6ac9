// Exports a graph as lines of `subscriber topic`, which `graph load --as subscriptions` accepts. The lines
// are ordered by name and not by the ids that this store assigned, so loading an export and exporting it
// again yields the same bytes.
//
// Topics are the outer order and subscribers the inner one. Canonical decimals come first, by value, then all
// other names, by their bytes. Takes some twenty bytes of memory per topic, eight per name that is not a
// decimal, and the followers of one topic.

import { type Database, explainDisk, openExisting, type Read } from "../store/database.ts";
import { union } from "../store/ids.ts";
import { BLOCKED, blockedKey, FOLLOWERS, followersKey, idOfRow, MUTED, mutedKey } from "../store/keys.ts";
import { Names } from "../store/names.ts";
import { readRow } from "../store/row-reader.ts";
import { unite } from "../store/row-sets.ts";
import { NameOrder } from "./name-order.ts";

export const EXPORT_KINDS = ["followers", "muted", "blocked"] as const;
/** `followers` lists all followers, including muted ones; `muted` and `blocked` list only those users. */
export type ExportKind = (typeof EXPORT_KINDS)[number];

/** The size of a part of the text: large enough for few writes. */
const PART_CHARS = 65_536;

interface Range {
  readonly gte: string;
  readonly lt: string;
}

interface Kind {
  readonly ranges: readonly Range[];
  rows(read: Read, topic: number): Iterable<Uint32Array>;
}

const KINDS: Readonly<Record<ExportKind, Kind>> = {
  followers: {
    ranges: [FOLLOWERS, MUTED],
    rows: (read, topic) => unite(readRow(read, followersKey(topic)), readRow(read, mutedKey(topic))),
  },
  muted: { ranges: [MUTED], rows: (read, topic) => readRow(read, mutedKey(topic)) },
  blocked: { ranges: [BLOCKED], rows: (read, topic) => readRow(read, blockedKey(topic)) },
};

/**
 * Yields the lines of a graph that is not being served, in parts of whole lines.
 * @throws GraphError GRAPH_DIR_BUSY, GRAPH_DIR_FOREIGN or GRAPH_DAMAGED
 */
export async function* exportLines(directory: string, kind: ExportKind): AsyncGenerator<string, void, void> {
  const { ranges, rows } = KINDS[kind];
  const { db, close } = await openExisting(directory);
  try {
    const read: Read = (key) => db.getSync(key);
    const names = new Names(read);
    const order = await NameOrder.read(db, names);
    let topics: Uint32Array = new Uint32Array(0);
    for (const range of ranges) topics = union(topics, await topicsIn(db, range));
    let part: string[] = [];
    let chars = 0;
    for (const topic of order.sort(topics)) {
      const ending = ` ${names.nameOf(topic)}\n`;
      for (const user of order.sort(joined(rows(read, topic)))) {
        const line = names.nameOf(user) + ending;
        part.push(line);
        chars += line.length;
        if (chars < PART_CHARS) continue;
        yield part.join("");
        part = [];
        chars = 0;
      }
    }
    yield part.join("");
  } catch (error) {
    throw explainDisk(directory, error);
  } finally {
    await close();
  }
}

async function topicsIn(db: Database, range: Range): Promise<Uint32Array> {
  const topics: number[] = [];
  for await (const key of db.keys(range)) {
    const topic = idOfRow(key);
    if (topic !== undefined) topics.push(topic);
  }
  return Uint32Array.from(topics);
}

function joined(sets: Iterable<Uint32Array>): Uint32Array {
  const all = [...sets];
  const [first = new Uint32Array(0)] = all;
  if (all.length < 2) return first;
  const ids = new Uint32Array(all.reduce((sum, set) => sum + set.length, 0));
  let at = 0;
  for (const set of all) {
    ids.set(set, at);
    at += set.length;
  }
  return ids;
}
