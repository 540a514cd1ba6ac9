// Loads an existing history at start: the index rows, each of which refers to the previous one, and the
// records after the newest index row. Sequence numbers that may have been assigned to rows that were never
// written are skipped.

import { formatEventId, parseEventId } from "../../broker/contract.ts";
import { quote } from "../../lib/errors.ts";
import { GraphError } from "../errors.ts";
import { type Database, writeBatch } from "../store/database.ts";
import { Block } from "./block.ts";
import { Horizon } from "./horizon.ts";
import { LOG, META, parseRecordKey, RECORD, recordKey } from "./keys.ts";
import type { StoredId } from "./message-ids.ts";
import { idOfBody, type Row, rowBytes } from "./row.ts";
import { type PreviousRecords, Segment } from "./segment.ts";
import { isAfter } from "./sequences.ts";
import { StoredRows } from "./stored-rows.ts";

/**
 * How many sequence numbers are skipped after an unclean shutdown: more than a run can have assigned to rows
 * that it never wrote, for example while the disk was full.
 */
const SKIPPED_NUMBERS = 268_435_456;
const RECORDS_PER_TURN = 1_000;
/** Rows that are later than the last note by more: upkeep.ts notes once per second. */
const MAX_AFTER_NOTE_MS = 5_000;

/** The beginning of a run: its first sequence numbers. */
interface Start {
  /** In milliseconds since 1970; absent in histories of earlier releases. */
  readonly timeMs?: number;
  readonly epoch: number;
  readonly sequences: Readonly<Record<number, number>>;
}

export interface Loaded {
  readonly rows: StoredRows;
  /** The message ids of the rows. */
  readonly storedIds: readonly StoredId[];
  /** The records that the next index row refers to. */
  readonly previous: PreviousRecords;
  /**
   * The last time at which an earlier run of the service is known to have been listening, in milliseconds
   * since 1970; undefined in a new history.
   */
  readonly lastListeningMs: number | undefined;
}

/** The records after the newest index row. */
interface Tail {
  /** The rows of each block, the newest block first. */
  readonly blocks: (readonly Row[])[];
  index: number;
  horizon: number;
  lastListeningMs: number;
  /** The ordinal of the newest row. */
  last: number;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Loads everything that is stored. The next row of each partition follows the last one.
 * @throws GraphError GRAPH_DAMAGED
 */
export async function loadHistory(db: Database, partitions: readonly number[]): Promise<Loaded> {
  const tail = await readTail(db);
  const segments = readSegments(db, tail.index);
  const previous = { index: tail.index, horizon: tail.horizon || (segments.at(-1)?.previous.horizon ?? 0) };
  const horizon = db.getSync(recordKey(previous.horizon, RECORD.horizon));
  const inTail = tail.blocks.reduce((sum, block) => sum + block.length, 0);
  const stored = segments.reduce((sum, { segment }) => sum + segment.rows, inTail);
  const rows = new StoredRows(
    partitions,
    tail.last - stored + 1,
    horizon === undefined ? new Horizon() : Horizon.decode(horizon),
  );
  const ids: StoredId[] = [];
  for (const { segment } of segments) {
    rows.restore(segment);
    ids.push(...idsIn(segment));
  }
  for (const block of tail.blocks.reverse())
    for (const [rank, row] of block.entries()) appendStored(rows, row, rank, ids);
  for (const partition of partitions) continueAfterDeleted(rows, partition);
  // a run that ended before it noted anything did not listen before its start
  const lastListeningMs = lastListening(tail.lastListeningMs, rows.latestMs) || readStart(db)?.timeMs;
  return { rows, storedIds: ids, previous, lastListeningMs };
}

/**
 * Returns the later of the moment noted last and the time of the newest row. Rows are stamped by a wall
 * clock: one that is much later than the note is from before the clock was set back.
 */
function lastListening(notedMs: number, latestRowMs: number): number {
  if (notedMs === 0) return latestRowMs;
  return latestRowMs <= notedMs + MAX_AFTER_NOTE_MS ? Math.max(notedMs, latestRowMs) : notedMs;
}

/** Stores the beginning of this run and removes the mark of a clean shutdown. Synced. */
export async function noteStart(
  db: Database,
  rows: StoredRows,
  partitions: readonly number[],
  timeMs: number,
): Promise<void> {
  const sequences: Record<number, number> = {};
  let epoch = 0;
  for (const partition of partitions) {
    const upcoming = rows.nextPosition(partition);
    sequences[partition] = upcoming.sequence;
    epoch = upcoming.epoch;
  }
  const start = encoder.encode(JSON.stringify({ timeMs, epoch, sequences } satisfies Start));
  await writeBatch(
    db,
    [
      { type: "put", key: META.start, value: start },
      { type: "del", key: META.ended },
    ],
    true,
  );
}

/** Reads the log backwards to the newest index row. */
async function readTail(db: Database): Promise<Tail> {
  const tail: Tail = { blocks: [], index: 0, horizon: 0, lastListeningMs: 0, last: 0 };
  const records = db.iterator({ ...LOG, reverse: true });
  try {
    for (let read = await records.nextv(RECORDS_PER_TURN); read.length > 0; ) {
      for (const [key, value] of read) {
        const { ordinal, kind } = parseRecordKey(key);
        tail.last = Math.max(tail.last, ordinal);
        if (kind === RECORD.horizon) tail.horizon ||= ordinal;
        else if (kind === RECORD.listened) tail.lastListeningMs ||= Number(decoder.decode(value));
        else if (kind === RECORD.index) {
          tail.index = ordinal;
          return tail;
        } else {
          const block = decodedOrThrow(key, new Block(value).rows());
          tail.blocks.push(block);
          tail.last = Math.max(tail.last, ordinal + block.length - 1);
        }
      }
      read = await records.nextv(RECORDS_PER_TURN);
    }
  } finally {
    await records.close();
  }
  return tail;
}

/** Reads the segments from the newest back to the oldest stored one and returns them in ascending order. */
function readSegments(db: Database, newest: number): NonNullable<ReturnType<typeof Segment.decode>>[] {
  const segments = [];
  for (let ordinal = newest; ordinal > 0; ) {
    const key = recordKey(ordinal, RECORD.index);
    const value = db.getSync(key);
    if (value === undefined) break; // deleted
    const decoded = decodedOrThrow(key, Segment.decode(value));
    segments.push(decoded);
    ordinal = decoded.previous.index;
  }
  return segments.reverse();
}

function appendStored(rows: StoredRows, row: Row, rank: number, ids: StoredId[]): void {
  const id = idOfBody(row.body);
  const position = parseEventId(id);
  if (position === undefined) return; // not a row of the history
  const { partition } = position;
  rows.setNextPosition(partition, position);
  if (rows.mustSeal(partition)) rows.seal();
  rows.append(partition, row, rowBytes(row), rank);
  if (row.messageId !== "") ids.push({ messageId: row.messageId, id, timeMs: row.timeMs });
}

/** Moves the next position of a partition after its newest deleted row, if that is the last one. */
function continueAfterDeleted(rows: StoredRows, partition: number): void {
  const { epoch, sequence } = rows.horizon.last(partition) ?? { epoch: 0, sequence: 0 };
  const next = { epoch, sequence: sequence + 1 };
  if (isAfter(next, rows.nextPosition(partition)) && sequence < Number.MAX_SAFE_INTEGER)
    rows.setNextPosition(partition, next);
}

/**
 * Lets the history number the next rows itself, in an epoch. Numbers that may have been assigned are skipped.
 */
export function continueNumbers(
  db: Database,
  rows: StoredRows,
  partitions: readonly number[],
  epoch: number,
): void {
  const last = readStart(db);
  const skipped = db.getSync(META.ended) === undefined ? SKIPPED_NUMBERS : 0;
  for (const partition of partitions) {
    const begun = last?.epoch === epoch ? (last.sequences[partition] ?? 1) : 1;
    const stored = rows.nextPosition(partition);
    const sequence = Math.max(begun, stored.epoch === epoch ? stored.sequence : 1);
    rows.setNextPosition(partition, { epoch, sequence: last === undefined ? sequence : sequence + skipped });
  }
}

function readStart(db: Database): Start | undefined {
  const noted = db.getSync(META.start);
  return noted && (JSON.parse(decoder.decode(noted)) as Start);
}

function idsIn(segment: Segment): StoredId[] {
  return segment.messageIds.map(({ row, messageId, timeMs }) => ({
    messageId,
    id: formatEventId(segment.positionAt(row)),
    timeMs,
  }));
}

/** @throws GraphError GRAPH_DAMAGED */
function decodedOrThrow<T>(key: string, decoded: T | undefined): T {
  if (decoded !== undefined) return decoded;
  throw new GraphError(
    "GRAPH_DAMAGED",
    `the record ${quote(key)} of the history cannot be read: delete the folder "history" in the graph's folder; readers who reconnect are then told that events may be missing`,
  );
}
