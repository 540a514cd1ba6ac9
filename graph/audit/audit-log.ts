// The audit: every change that made a difference, in the order of the commits, written in the same batch as the rows
// it changed. Owned by the store. It keeps the newest `keep` changes, and some more until the next trimming, which
// deletes the oldest records behind the commits' back.

import type { Database, Operation, Snapshot } from "../store/database.ts";
import { AUDIT, auditKey } from "../store/keys.ts";
import { decodeRecord, encodeRecord, type RecordedChange } from "./record.ts";

/** Changes kept unless said otherwise: some 15 MB. */
export const KEPT_CHANGES = 1_000_000;
/** Changes in one record, so that reading one stays short. */
const MAX_RECORD_CHANGES = 1_000;
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

export class AuditLog {
  readonly #db: Database;
  readonly #keep: number;
  /** Sequence numbers of the first change that is kept and of the last one; `last` is one less where there is none. */
  #oldest: number;
  #last: number;
  #trimming: Promise<void> | undefined;
  /** Changes trimmed since the start. */
  trimmed = 0;
  /** Trimmings that failed; the next one tries again. */
  failedTrims = 0;

  private constructor(db: Database, keep: number, oldest: number, last: number) {
    this.#db = db;
    this.#keep = keep;
    this.#oldest = oldest;
    this.#last = last;
  }

  /** As the database has it, or had it at a snapshot. */
  static async open(db: Database, keep: number, snapshot?: Snapshot): Promise<AuditLog> {
    const range = { ...AUDIT, ...(snapshot && { snapshot }) };
    const [first] = await db.keys({ ...range, limit: 1 }).all();
    const [newest] = await db.iterator({ ...range, reverse: true, limit: 1 }).all();
    if (first === undefined || newest === undefined) return new AuditLog(db, keep, 1, 0);
    const last = sequenceOf(newest[0]) + decodeRecord(newest[1]).changes.length - 1;
    return new AuditLog(db, keep, sequenceOf(first), last);
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

  /**
   * Changes behind `after`, of one topic if given, oldest first. Looks through a bounded number of changes, so a page
   * may be empty and have a `next` all the same.
   */
  async page(after: number, limit: number, topic?: number): Promise<AuditPage> {
    const entries: AuditEntry[] = [];
    let scanned = 0;
    const from = await this.#recordWith(after + 1);
    for await (const [key, value] of this.#db.iterator({ gte: from, lt: AUDIT.lt })) {
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

  /** Waits for a trimming under way. */
  async close(): Promise<void> {
    await this.#trimming;
  }

  async #trim(): Promise<void> {
    const cut = await this.#recordWith(this.#last - this.#keep + 1);
    await this.#db.clear({ gte: AUDIT.gte, lt: cut });
    const oldest = sequenceOf(cut);
    this.trimmed += oldest - this.#oldest;
    this.#oldest = oldest;
  }

  /** The key of the record that holds a change; of the first one where it was trimmed. */
  async #recordWith(sequence: number): Promise<string> {
    const range = { gte: AUDIT.gte, lte: auditKey(Math.max(0, sequence)), reverse: true, limit: 1 };
    const [key] = await this.#db.keys(range).all();
    return key ?? AUDIT.gte;
  }
}

function sequenceOf(key: string): number {
  return Number.parseInt(key.slice(AUDIT.gte.length), 16);
}
