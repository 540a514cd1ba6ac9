// Applies the records of change logs to the rows: at a start, after a write whose outcome was unknown, and
// what another service has written. Applying a record has exactly the effects that deciding its changes had,
// on rows, audit and memory. Owned by the store's logged changes, which call it one at a time.

import { storedTopic, storedUserId } from "../../broker/contract.ts";
import type { AuditRecord } from "../audit/record.ts";
import { GraphError } from "../errors.ts";
import type { Committer } from "../store/committer.ts";
import type { Transaction } from "../store/transaction.ts";
import { type AppliedPlace, placeOperation } from "./applied.ts";
import type { LoggedRecord } from "./partition-log.ts";
import { decodeRecord, type LayoutRecord, type LogRecord, type NamedChange } from "./record.ts";

/** The maximum number of changes written in one batch, apart from the last record's. */
const BATCH_CHANGES = 10_000;

export interface Application {
  /** Where the records begin to be applied. */
  readonly place: AppliedPlace;
  readonly records: readonly LoggedRecord[];
  /** Called after each batch, when it is on disk, with the place that it has reached. */
  readonly onApplied: (place: AppliedPlace) => void;
}

/**
 * Applies the records after the place; those up to it are skipped.
 * @throws GraphError GRAPH_LOG_FOREIGN if a record does not fit the rows, GRAPH_LOG_UNREADABLE,
 * GRAPH_OTHER_PARTITIONS; everything before that record is applied. GRAPH_DISK_FAILED, GRAPH_REOPENING:
 * everything up to the last `onApplied` is on disk
 */
export async function applyRecords(
  committer: Committer,
  { place: begin, records, onApplied }: Application,
): Promise<void> {
  let place = begin;
  let left = records.filter(({ sequence }) => sequence > place.sequence);
  while (left.length > 0) {
    let batch = applyBatch(committer.begin(), place, left);
    const { error } = batch;
    // the transaction contains a part of the record that failed
    if (error !== undefined) batch = applyBatch(committer.begin(), place, left.slice(0, batch.count));
    if (batch.count > 0) {
      place = batch.place;
      await committer.write(batch.transaction, batch.parts, [placeOperation(place)]);
      onApplied(place);
    }
    if (error !== undefined) throw error;
    left = left.slice(batch.count);
  }
}

/** Records applied to a transaction. */
interface Batch {
  readonly transaction: Transaction;
  readonly parts: readonly AuditRecord[];
  /** The place after them. */
  readonly place: AppliedPlace;
  readonly count: number;
  /** Why the next record cannot be applied. */
  readonly error?: unknown;
}

function applyBatch(transaction: Transaction, begin: AppliedPlace, records: readonly LoggedRecord[]): Batch {
  const parts: AuditRecord[] = [];
  let place = begin;
  let count = 0;
  for (const { sequence, data } of records) {
    if (transaction.changes.length >= BATCH_CHANGES) break;
    try {
      if (sequence !== place.sequence + 1) throw foreign(place, `record ${place.sequence + 1} is missing`);
      const record = decodeRecord(data);
      if (record.entry.kind === "changes")
        parts.push(applyChanges(transaction, record.entry.changes, record.timeMs, place));
      else if (record.entry.kind === "layout") refuseOtherRows(place, record, record.entry);
      place = nextPlace(place, record);
      count += 1;
    } catch (error) {
      return { transaction, parts, place, count, error };
    }
  }
  return { transaction, parts, place, count };
}

/** Returns the place after a record that follows it. */
export function nextPlace({ layout, ...place }: AppliedPlace, { id }: Pick<LogRecord, "id">): AppliedPlace {
  const kept = layout === undefined || layout === id ? {} : { layout };
  return { ...place, ...kept, sequence: place.sequence + 1, record: id };
}

/**
 * Repeats changes that had an effect when they were decided. Returns them as the audit records them.
 * @param place of the record before them
 * @throws GraphError GRAPH_LOG_FOREIGN if one has no effect
 */
export function applyChanges(
  transaction: Transaction,
  changes: readonly NamedChange[],
  timeMs: number,
  place: AppliedPlace,
): AuditRecord {
  const from = transaction.changes.length;
  for (const { kind, user, topic } of changes) {
    const change = { kind, subscriber: storedUserId(user), topic: storedTopic(topic) };
    if (transaction.apply(change) !== "changed")
      throw foreign(place, `${kind} of ${user} and ${topic} in record ${place.sequence + 1} has no effect`);
  }
  return { timeMs, changes: transaction.changes.slice(from) };
}

/**
 * Accepts a layout record that the rows agree with: this directory's own, or that of an empty graph at the
 * beginning of the log, if no row existed before.
 * @throws GraphError GRAPH_LOG_FOREIGN
 */
function refuseOtherRows(place: AppliedPlace, { id }: LogRecord, layout: LayoutRecord): void {
  const { partition, of, base } = layout;
  if (partition !== place.partition || of !== place.of)
    throw new GraphError(
      "GRAPH_OTHER_PARTITIONS",
      `the change log of partition ${place.partition} of ${place.of} holds records of partition ${partition} of ${of}: serve the graph with --partitions of ${of}, or delete the streams of the change logs`,
    );
  if (id === place.layout) return;
  if (base === "empty" && place.sequence === 0 && place.layout === undefined) return;
  throw new GraphError(
    "GRAPH_LOG_FOREIGN",
    `record ${place.sequence + 1} of the change log of partition ${partition} continues from another directory's rows: restore a backup made after it with \`encke graph restore\` into an empty folder`,
  );
}

function foreign(place: AppliedPlace, why: string): GraphError {
  return new GraphError(
    "GRAPH_LOG_FOREIGN",
    `the rows do not fit the change log of partition ${place.partition}: ${why}; restore a backup with \`encke graph restore\` into an empty folder`,
  );
}
