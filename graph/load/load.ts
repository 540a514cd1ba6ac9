// The bulk loader: turns a list of follows into rows. The whole file is read and checked before the first row
// is written, so that an unusable file leaves the graph unchanged. A mark in the database exists while rows
// are written; if a crash leaves it there, the graph is not served until the same load has been repeated,
// which adds what is missing. Memory is bounded by the sorter (follow-sorter.ts) and by the names that are
// not decimals, some 150 bytes each.

import { basename, join } from "node:path";
import { quote } from "../../lib/errors.ts";
import { offLogOperation } from "../change-log/applied.ts";
import { GraphError } from "../errors.ts";
import { Partitions } from "../partitions.ts";
import { type Database, numberOperation, openDatabase, readNumber, withDatabase } from "../store/database.ts";
import { keepPartitions } from "../store/kept-partitions.ts";
import {
  FOLLOWERS,
  followersKey,
  idOfRow,
  META,
  MUTED,
  SUBSCRIPTIONS,
  subscriptionsKey,
} from "../store/keys.ts";
import { Names } from "../store/names.ts";
import { reconcile } from "../store/reconcile.ts";
import { countOf } from "../store/row.ts";
import { FollowSorter } from "./follow-sorter.ts";
import { type FollowSource, nameOf } from "./follow-source.ts";
import { type Gathered, gatherFollows, type LoadKind } from "./gather.ts";
import { gatherMarks, type MarkSources, type Marks, writeMarks } from "./marks.ts";
import { writeAll, writeRows } from "./row-writer.ts";

/**
 * Holds follows that do not fit in memory, inside the graph's directory: LevelDB ignores files that it does
 * not know.
 */
const RUNS_FOLDER = "load-runs";
/** The rows of followers, and the rows of followed topics. */
const BACKWARD = { range: FOLLOWERS, keyOf: followersKey };
const FORWARD = { range: SUBSCRIPTIONS, keyOf: subscriptionsKey };

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export interface LoadOptions extends MarkSources {
  readonly directory: string;
  readonly kind: LoadKind;
  /** Loads only follows whose topic is in one of these partitions. Defaults to the whole graph. */
  readonly partitions?: Partitions;
  /** Stops at the first line that is not a follow instead of leaving it out. */
  readonly strict?: boolean;
  /** Aborts the load while it reads. Once it writes, it continues to the end. */
  readonly signal?: AbortSignal;
  /** Called with the work done and the total: bytes read, then entries of rows written. */
  readonly onProgress?: (phase: "reading" | "writing", done: number, total: number) => void;
  /** The number of follows sorted in memory at once. More are sorted with files in the graph's directory. */
  readonly blockFollows?: number;
}

export interface LoadReport extends Gathered {
  /** The number of follows that are new in the graph. */
  readonly added: number;
  /** The number of follows in the graph after the load. */
  readonly follows: number;
  /** The number of follows that repeat an earlier line, in either order for friendships. */
  readonly duplicates: number;
}

/**
 * Adds the follows of a source to the graph in a directory.
 * @throws GraphError BAD_FOLLOWS_FILE or LOAD_STOPPED, and the graph is unchanged; GRAPH_HALF_LOADED if
 * another load did not finish; GRAPH_DIR_BUSY, GRAPH_DIR_FOREIGN, GRAPH_OTHER_PARTITIONS, GRAPH_DAMAGED;
 * GRAPH_DISK_FAILED, after which the load must be repeated
 */
export async function loadFollows(source: FollowSource, options: LoadOptions): Promise<LoadReport> {
  return withDatabase(await openDatabase(options.directory), (db) => load(db, source, options));
}

async function load(db: Database, source: FollowSource, options: LoadOptions): Promise<LoadReport> {
  const {
    directory,
    kind,
    partitions = Partitions.whole,
    strict,
    signal,
    onProgress,
    blockFollows,
  } = options;
  // if only some topics are loaded, each direction of a friendship is a follow of its own
  const mutual = kind === "friendships" && partitions.of === 1;
  const sorter = new FollowSorter({ mutual, folder: join(directory, RUNS_FOLDER), blockFollows });
  let marks: Marks | undefined;
  try {
    await keepPartitions(db, directory, partitions);
    const mark = basename(nameOf(source));
    const isRepeated = checkMark(db, directory, mark);
    const names = new Names((key) => db.getSync(key)).batch();
    const intern = (name: string): number => names.intern(name);
    const gathered = await gatherFollows(source, {
      ...{ kind, partitions, strict, signal, intern },
      mayBeEmpty: options.muted !== undefined || options.blocked !== undefined,
      add: (from, to) => sorter.add(from, to),
      onProgress: (done, total) => onProgress?.("reading", done, total),
    });
    marks = await gatherMarks(options, { partitions, strict, signal, intern });
    const { forward, backward } = sorter.finish();
    const total = forward.size + backward.size;
    const progressFrom = (start: number) => (done: number) => onProgress?.("writing", start + done, total);
    const before = readNumber((key) => db.getSync(key), META.follows);

    const offLog = await offLogOperation(db);
    const loading = { type: "put", key: META.loading, value: encoder.encode(mark) } as const;
    await db.batch([loading, ...(offLog === undefined ? [] : [offLog])], { sync: true });
    await writeAll(db, names.operations());
    // a follow is "subscriber topic": forward rows hold the topics that a user follows
    await writeRows(db, forward, FORWARD, progressFrom(0));
    const { added, entries } = await writeRows(db, backward, BACKWARD, progressFrom(forward.size));
    await writeMarks(db, marks);
    const left = await reconcile(db, (operations) => writeAll(db, operations)); // keeps mutes and blocks
    const follows = isRepeated || marks.length > 0 ? await countFollows(db) : before + added - left;
    await db.batch([numberOperation(META.follows, follows), { type: "del", key: META.loading }], {
      sync: true,
    });
    const duplicates = mutual ? sorter.length - entries / 2 : sorter.length - entries;
    return { added: follows - before, follows, duplicates, ...gathered };
  } finally {
    sorter.remove();
    for (const { sorter } of marks ?? []) sorter.remove();
  }
}

/**
 * Returns whether this load was run before and did not finish.
 * @throws GraphError GRAPH_HALF_LOADED if another one did not finish
 */
function checkMark(db: Database, directory: string, mark: string): boolean {
  const stored = db.getSync(META.loading);
  if (stored === undefined) return false;
  const other = decoder.decode(stored);
  if (other === mark) return true;
  throw new GraphError(
    "GRAPH_HALF_LOADED",
    `loading ${quote(other)} into ${quote(directory)} did not finish: load that again first, or delete the folder`,
  );
}

/** Counts follows by their rows, because no number includes what an interrupted load has written. */
async function countFollows(db: Database): Promise<number> {
  let follows = 0;
  for (const range of [FOLLOWERS, MUTED]) {
    for await (const [key, row] of db.iterator(range))
      if (idOfRow(key) !== undefined) follows += countOf(row);
  }
  return follows;
}
