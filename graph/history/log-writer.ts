// Writes the history's log. Records are gathered for a few milliseconds and written as one batch, in the
// order of their ordinals and without gaps, so the rows on disk are always a prefix of the appended rows.
// While the disk rejects writes, rows wait in memory; once it accepts them again, these rows are written
// first. Bounded to 16 MiB if the caller respects `isBacklogged`. Owned by the history.

import { setTimeout as delay } from "node:timers/promises";
import type { Batch } from "../store/database.ts";
import type { GuardedDatabase } from "../store/guarded-database.ts";
import { RECORD, type RecordKind, recordKey } from "./keys.ts";

/** Bytes waiting for the disk above which `isBacklogged` is true. */
const MAX_WAITING_BYTES = 16_777_216;
/** How long records are gathered unless a caller waits: a batch costs as much CPU as a hundred rows. */
const GATHER_MS = 4;
/** Maximum number of previously rejected rows per batch. */
const ROWS_PER_SLICE = 1_024;

/** Records that are written together. */
interface PendingBatch {
  readonly batch: Batch;
  /** The ordinal of the first row in the batch, or of the next row if the batch has none. */
  readonly first: number;
  /** The ordinal of the last row in the batch; `first` - 1 if the batch has none. */
  last: number;
  bytes: number;
  readonly indexRows: IndexRow[];
  readonly written: Promise<boolean>;
  readonly settle: (isWritten: boolean) => void;
}

interface IndexRow {
  readonly ordinal: number;
  readonly value: Uint8Array;
}

export class LogWriter {
  /** The number of rows that the disk rejected when they were appended. */
  refusedRows = 0;
  readonly #disk: GuardedDatabase;
  readonly #rowOf: (ordinal: number) => Uint8Array;
  /** The ordinal of the newest row on disk. */
  #written: number;
  /** Index rows that the disk rejected. */
  #refusedIndexRows: IndexRow[] = [];
  #waiting: PendingBatch | undefined;
  #writing: PendingBatch | undefined;
  #endGathering: (() => void) | undefined;
  #running: Promise<void> | undefined;

  /**
   * @param written the ordinal of the newest row on disk
   * @param rowOf returns the bytes of an appended row that is not on disk
   */
  constructor(disk: GuardedDatabase, written: number, rowOf: (ordinal: number) => Uint8Array) {
    this.#disk = disk;
    this.#written = written;
    this.#rowOf = rowOf;
  }

  /**
   * Reports whether so much waits for the disk that nothing more should be appended until `flush` resolves.
   */
  get isBacklogged(): boolean {
    return (this.#waiting?.bytes ?? 0) + (this.#writing?.bytes ?? 0) > MAX_WAITING_BYTES;
  }

  /**
   * Queues a record for writing. Rows must come in the order of their ordinals; any other record uses the
   * ordinal of the newest row.
   */
  put(ordinal: number, kind: RecordKind, value: Uint8Array): void {
    if (this.#disk.trouble !== undefined) {
      if (kind === RECORD.row) this.refusedRows += 1;
      else if (kind === RECORD.index) this.#refusedIndexRows.push({ ordinal, value });
      return;
    }
    this.#waiting ??= this.#newBatch(kind === RECORD.row ? ordinal : ordinal + 1);
    const waiting = this.#waiting;
    const key = recordKey(ordinal, kind);
    waiting.batch.put(key, value);
    waiting.bytes += key.length + value.length;
    if (kind === RECORD.row) waiting.last = Math.max(waiting.last, ordinal);
    else if (kind === RECORD.index) waiting.indexRows.push({ ordinal, value });
    this.#running ??= this.#run();
  }

  /** Resolves to true once everything queued before is written, or to false if the disk rejected it. */
  flush(): Promise<boolean> {
    this.#endGathering?.();
    return (this.#waiting ?? this.#writing)?.written ?? Promise.resolve(this.#disk.trouble === undefined);
  }

  /**
   * Drops the waiting batch, which becomes invalid when the database is reopened. Its records are written
   * later.
   */
  onTrouble(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) this.#refuse(waiting);
  }

  /** Returns the index row of a segment, or undefined if there is none. */
  indexRow(ordinal: number): Uint8Array | undefined {
    return (
      this.#refusedIndexRows.find((row) => row.ordinal === ordinal)?.value ??
      this.#disk.db.getSync(recordKey(ordinal, RECORD.index))
    );
  }

  /** Forgets rejected records of rows before an ordinal, because these rows are deleted. */
  dropBefore(first: number): void {
    this.#refusedIndexRows = this.#refusedIndexRows.filter(({ ordinal }) => ordinal >= first);
    this.#written = Math.max(this.#written, first - 1);
  }

  /** Resolves when no write is in progress. */
  async idle(): Promise<void> {
    await this.flush();
    await this.#running;
  }

  #newBatch(first: number): PendingBatch {
    let settle = (_isWritten: boolean): void => {};
    const written = new Promise<boolean>((resolve) => {
      settle = resolve;
    });
    return { batch: this.#disk.db.batch(), first, last: first - 1, bytes: 0, indexRows: [], written, settle };
  }

  /** Writes until nothing waits. Records queued during one batch go into the next. */
  async #run(): Promise<void> {
    await this.#gather();
    for (let waiting = this.#waiting; waiting !== undefined; waiting = this.#waiting) {
      this.#waiting = undefined;
      this.#writing = waiting;
      const isWritten = await this.#write(waiting);
      this.#writing = undefined;
      if (isWritten) waiting.settle(true);
    }
    this.#running = undefined;
  }

  async #write(waiting: PendingBatch): Promise<boolean> {
    try {
      await this.#writeRefused(waiting.first);
      await this.#disk.writeFilled(waiting.batch);
      this.#written = Math.max(this.#written, waiting.last);
      return true;
    } catch {
      this.#refuse(waiting); // the database has reported the reason to its listener
      return false;
    }
  }

  #refuse(waiting: PendingBatch): void {
    this.refusedRows += waiting.last - waiting.first + 1;
    this.#refusedIndexRows.push(...waiting.indexRows);
    void waiting.batch.close();
    waiting.settle(false);
  }

  /** Writes the rows before `end` and the index rows that the disk rejected earlier. */
  async #writeRefused(end: number): Promise<void> {
    while (this.#written + 1 < end) {
      const last = Math.min(this.#written + ROWS_PER_SLICE, end - 1);
      const batch = this.#disk.db.batch();
      for (let ordinal = this.#written + 1; ordinal <= last; ordinal += 1)
        batch.put(recordKey(ordinal, RECORD.row), this.#rowOf(ordinal));
      await this.#disk.writeFilled(batch);
      this.#written = last;
    }
    if (this.#refusedIndexRows.length === 0) return;
    const batch = this.#disk.db.batch();
    for (const { ordinal, value } of this.#refusedIndexRows)
      batch.put(recordKey(ordinal, RECORD.index), value);
    await this.#disk.writeFilled(batch);
    this.#refusedIndexRows = [];
  }

  async #gather(): Promise<void> {
    const ending = new AbortController();
    this.#endGathering = () => ending.abort();
    await delay(GATHER_MS, undefined, { signal: ending.signal }).catch(() => {});
    this.#endGathering = undefined;
  }
}
