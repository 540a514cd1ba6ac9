// The audit log: every change that had an effect, in the order of the commits, written in the same batch as
// the rows that it changed. Owned by the store. Keeps the newest `keep` changes and some more until the next
// trimming, which deletes the oldest records between commits.

import { GraphError } from "../errors.ts";
import type { RecordedChange } from "../store/changes.ts";
import type { Database, Operation, Snapshot } from "../store/database.ts";
import type { GuardedDatabase } from "../store/guarded-database.ts";
import { AUDIT, auditKey } from "../store/keys.ts";
import { type AuditRecord, decodeRecord, encodeRecord } from "./record.ts";

/** The number of changes kept by default: some 15 MB. */
export const KEPT_CHANGES = 1_000_000;
/** The maximum number of changes in one record, which bounds the time to read it. */
const MAX_RECORD_CHANGES = 1_000;
/** The maximum number of records deleted by one write, which bounds the time that commits wait. */
const TRIMMED_RECORDS = 1_000;
/** The maximum number of changes examined for one page. */
const MAX_SCANNED = 20_000;

/** A change with its position in the log. */
export interface AuditEntry extends RecordedChange {
  /** Counts the changes of a graph, beginning with 1. */
  readonly sequence: number;
  /** The time of the commit, in milliseconds since 1970. */
  readonly timeMs: number;
}

export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  /** Set if more changes may follow: pass it as `after`. */
  readonly next: number | undefined;
  /** The oldest change that is kept. Those before it have been trimmed. */
  readonly oldest: number;
}

/**
 * The sequence numbers of the oldest change that is kept and of the last one. If none is kept, `last` is one
 * less.
 */
interface Extent {
  readonly oldest: number;
  readonly last: number;
}

/** Returns which changes a database holds, optionally at a snapshot. Takes two look-ups. */
export async function readExtent(db: Database, snapshot?: Snapshot): Promise<Extent> {
  const range = { ...AUDIT, ...(snapshot && { snapshot }) };
  const [first] = await db.keys({ ...range, limit: 1 }).all();
  const [newest] = await db.iterator({ ...range, reverse: true, limit: 1 }).all();
  if (first === undefined || newest === undefined) return { oldest: 1, last: 0 };
  const last = sequenceOf(newest[0]) + decodeRecord(newest[1]).changes.length - 1;
  return { oldest: sequenceOf(first), last };
}

export class AuditLog {
  readonly #disk: GuardedDatabase;
  readonly #keep: number;
  #oldest: number;
  #last: number;
  #trimming: Promise<void> | undefined;
  /** The number of changes trimmed since the start. */
  trimmed = 0;
  /** The number of trimmings that failed. The next one retries. */
  failedTrims = 0;

  private constructor(disk: GuardedDatabase, keep: number, { oldest, last }: Extent) {
    this.#disk = disk;
    this.#keep = keep;
    this.#oldest = oldest;
    this.#last = last;
  }

  /** @param keep the number of newest changes to keep */
  static async open(disk: GuardedDatabase, keep: number): Promise<AuditLog> {
    return new AuditLog(disk, keep, await readExtent(disk.db));
  }

  /** The sequence number of the last change; 0 if there was none. */
  get last(): number {
    return this.#last;
  }

  /** The number of changes that are kept. */
  get length(): number {
    return this.#last - this.#oldest + 1;
  }

  /**
   * Returns the operations to write in the same batch as the changes, which are in order. Call `settle` after
   * the write.
   */
  operations(parts: readonly AuditRecord[]): Operation[] {
    let sequence = this.#last + 1;
    return parts.flatMap(({ timeMs, changes }) => {
      const records = Math.ceil(changes.length / MAX_RECORD_CHANGES);
      return Array.from({ length: records }, (_, index): Operation => {
        const from = index * MAX_RECORD_CHANGES;
        const part = changes.slice(from, from + MAX_RECORD_CHANGES);
        const key = auditKey(sequence);
        sequence += part.length;
        return { type: "put", key, value: encodeRecord({ timeMs, changes: part }) };
      });
    });
  }

  /**
   * Records that so many changes have been written. Starts trimming if it is due, and does not wait for it.
   */
  settle(changes: number): void {
    this.#last += changes;
    const slack = Math.max(MAX_RECORD_CHANGES, this.#keep / 10);
    if (this.length <= this.#keep + slack) return;
    this.#trimming ??= this.#trim()
      .catch(() => {
        this.failedTrims += 1; // commits fail for the same reason and report it
      })
      .finally(() => {
        this.#trimming = undefined;
      });
  }

  /** Reloads the state after the database was reopened. */
  async readAgain(): Promise<void> {
    const { oldest, last } = await readExtent(this.#disk.db);
    this.#oldest = oldest;
    this.#last = last;
  }

  /**
   * Returns changes after `after`, oldest first, of one topic if given. Examines a bounded number of changes,
   * so a page may be empty and still have a `next`.
   */
  async page(after: number, limit: number, topic?: number): Promise<AuditPage> {
    await this.#refuseUnissued(after);
    const entries: AuditEntry[] = [];
    let scanned = 0;
    const from = await this.#recordWith(after + 1);
    for await (const [key, value] of this.#disk.db.iterator({ gte: from, lt: AUDIT.lt })) {
      const { timeMs, changes } = decodeRecord(value);
      const first = sequenceOf(key);
      for (const [index, change] of changes.entries()) {
        const sequence = first + index;
        if (sequence <= after) continue;
        if (topic === undefined || change.topic === topic) entries.push({ ...change, sequence, timeMs });
        if (entries.length === limit) return { entries, next: sequence, oldest: this.#oldest };
      }
      scanned += changes.length;
      if (scanned >= MAX_SCANNED) {
        return { entries, next: first + changes.length - 1, oldest: this.#oldest };
      }
    }
    return { entries, next: undefined, oldest: this.#oldest };
  }

  /**
   * Refuses a number beyond the last change: its client has read another graph's audit and would wait for
   * changes that never come. The disk may be one commit ahead of `#last`.
   * @throws GraphError BAD_REQUEST
   */
  async #refuseUnissued(after: number): Promise<void> {
    if (after <= this.#last) return;
    const { last } = await readExtent(this.#disk.db);
    if (after <= last) return;
    throw new GraphError(
      "BAD_REQUEST",
      `"after" ${after} is beyond this graph's last change, ${last}: read again from 0, or from a number that this graph returned`,
    );
  }

  /** Waits for a trimming under way. */
  async close(): Promise<void> {
    await this.#trimming;
  }

  async #trim(): Promise<void> {
    const cut = await this.#recordWith(this.#last - this.#keep + 1);
    const { db } = this.#disk;
    for (let from: string = AUDIT.gte; ; ) {
      const keys = await db.keys({ gt: from, lt: cut, limit: TRIMMED_RECORDS }).all();
      const newest = keys.at(-1);
      if (newest === undefined) break;
      await this.#disk.write(
        keys.map((key) => ({ type: "del", key })),
        { sync: false },
      );
      from = newest;
    }
    const oldest = sequenceOf(cut);
    this.trimmed += oldest - this.#oldest;
    this.#oldest = oldest;
  }

  /** Returns the key of the record that contains a change, or the lowest key if the change was trimmed. */
  async #recordWith(sequence: number): Promise<string> {
    const range = { gte: AUDIT.gte, lte: auditKey(Math.max(0, sequence)), reverse: true, limit: 1 };
    const [key] = await this.#disk.db.keys(range).all();
    return key ?? AUDIT.gte;
  }
}

function sequenceOf(key: string): number {
  return Number.parseInt(key.slice(AUDIT.gte.length), 16);
}
