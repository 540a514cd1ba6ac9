// The audit: every change that made a difference, in the order of the commits, written in the same batch as the rows
// it changed. Owned by the store. It keeps the newest `keep` changes, and some more until the next trimming, which
// deletes the oldest records behind the commits' back.

import { GraphError } from "../errors.ts";
import type { RecordedChange } from "../store/changes.ts";
import type { Database, Operation, Snapshot } from "../store/database.ts";
import type { GuardedDatabase } from "../store/guarded-database.ts";
import { AUDIT, auditKey } from "../store/keys.ts";
import { decodeRecord, encodeRecord } from "./record.ts";

/** Changes kept unless said otherwise: some 15 MB. */
export const KEPT_CHANGES = 1_000_000;
/** Changes in one record, so that reading one stays short. */
const MAX_RECORD_CHANGES = 1_000;
/** Records deleted as one write: commits wait for no more than these. */
const TRIMMED_RECORDS = 1_000;
/** Changes looked through for one page. */
const MAX_SCANNED = 20_000;

/** A change with its place in the order. */
export interface AuditEntry extends RecordedChange {
  /** 1 for the first change of a graph, then one more each. */
  readonly sequence: number;
  /** When it was written, in milliseconds since 1970. */
  readonly timeMs: number;
}

export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  /** Where more may follow: hand it back as `after`. */
  readonly next: number | undefined;
  /** The first change that is kept; those before it were trimmed. */
  readonly oldest: number;
}

/** Sequence numbers of the first change that is kept and of the last one; `last` is one less where there is none. */
interface Extent {
  readonly oldest: number;
  readonly last: number;
}

/** Returns which changes a database holds, or held at a snapshot. Two look-ups. */
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
  /** Changes trimmed since the start. */
  trimmed = 0;
  /** Trimmings that failed; the next one tries again. */
  failedTrims = 0;

  private constructor(disk: GuardedDatabase, keep: number, { oldest, last }: Extent) {
    this.#disk = disk;
    this.#keep = keep;
    this.#oldest = oldest;
    this.#last = last;
  }

  /** @param keep the newest changes that are kept */
  static async open(disk: GuardedDatabase, keep: number): Promise<AuditLog> {
    return new AuditLog(disk, keep, await readExtent(disk.db));
  }

  /** Sequence number of the last change; 0 where there was none. */
  get last(): number {
    return this.#last;
  }

  /** Changes that are kept. */
  get length(): number {
    return this.#last - this.#oldest + 1;
  }

  /** What has to be written in the same batch as the changes. They count once `settle` is told of them. */
  operations(changes: readonly RecordedChange[], timeMs: number): Operation[] {
    const records = Math.ceil(changes.length / MAX_RECORD_CHANGES);
    return Array.from({ length: records }, (_, index) => {
      const from = index * MAX_RECORD_CHANGES;
      const part = changes.slice(from, from + MAX_RECORD_CHANGES);
      return {
        type: "put",
        key: auditKey(this.#last + 1 + from),
        value: encodeRecord({ timeMs, changes: part }),
      };
    });
  }

  /** So many more changes are on disk. Begins to trim where that is due, and does not wait for it. */
  settle(changes: number): void {
    this.#last += changes;
    const slack = Math.max(MAX_RECORD_CHANGES, this.#keep / 10);
    if (this.length <= this.#keep + slack) return;
    this.#trimming ??= this.#trim()
      .catch(() => {
        this.failedTrims += 1; // the disk's trouble is the commits' too, and they report it
      })
      .finally(() => {
        this.#trimming = undefined;
      });
  }

  /** Takes over what the database holds, after it was opened again. */
  async readAgain(): Promise<void> {
    const { oldest, last } = await readExtent(this.#disk.db);
    this.#oldest = oldest;
    this.#last = last;
  }

  /**
   * Changes behind `after`, of one topic if given, oldest first. Looks through a bounded number of changes, so a page
   * may be empty and have a `next` all the same.
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
   * A reader whose number is beyond the last has read another graph's audit, and would wait for changes that never come. The
   * disk may be one commit ahead of us. @throws GraphError BAD_REQUEST
   */
  async #refuseUnissued(after: number): Promise<void> {
    if (after <= this.#last) return;
    const { last } = await readExtent(this.#disk.db);
    if (after <= last) return;
    throw new GraphError(
      "BAD_REQUEST",
      `"after" ${after} is no change of this graph, whose last is ${last}: read it again from 0, or from a number it gave`,
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

  /** The key of the record that holds a change; of the first one where it was trimmed. */
  async #recordWith(sequence: number): Promise<string> {
    const range = { gte: AUDIT.gte, lte: auditKey(Math.max(0, sequence)), reverse: true, limit: 1 };
    const [key] = await this.#disk.db.keys(range).all();
    return key ?? AUDIT.gte;
  }
}

function sequenceOf(key: string): number {
  return Number.parseInt(key.slice(AUDIT.gte.length), 16);
}
