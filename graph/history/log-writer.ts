// Writes the history's log. Records are gathered for a few milliseconds and written as one batch, in the
// order of their ordinals and without gaps, so the rows on disk are always a prefix of the appended rows.
// Rows are written in blocks, which end with their batch and with their segment at the latest. While the disk
// rejects writes, rows wait in memory; once it accepts them again, these rows are written first. Bounded to
// 16 MiB if the caller respects `isBacklogged`. Owned by the history.

import type { Batch } from "../store/database.ts";
import type { GuardedDatabase } from "../store/guarded-database.ts";
import { MAX_BLOCK_BYTES, MAX_BLOCK_ROWS } from "./block.ts";
import { RECORD, type RecordKind, recordKey } from "./keys.ts";

/** Bytes waiting for the disk above which `isBacklogged` is true. */
const MAX_WAITING_BYTES = 16_777_216;
/** How long records are gathered unless a caller waits: a batch costs as much CPU as a hundred rows. */
const GATHER_MS = 4;
/** Size of a batch of previously rejected rows. Its last block may exceed it. */
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

/** The block to which rows are added. */
interface OpenBlock {
  readonly first: number;
  rows: number;
  bytes: number;
}

/** The appended rows. */
export interface AppendedRows {
  /** Returns a block of consecutive rows. It is copied before the next turn of the event loop. */
  blockOf(first: number, last: number): Uint8Array;
  /** Returns the ordinal of the last row in the block of a row. */
  lastOfBlock(ordinal: number): number;
}

export class LogWriter {
  /** The number of rows that the disk rejected when they were appended. */
  refusedRows = 0;
  readonly #disk: GuardedDatabase;
  readonly #rows: AppendedRows;
  /** The ordinal of the newest row on disk. */
  #written: number;
  /** Index rows that the disk rejected. */
  #refusedIndexRows: IndexRow[] = [];
  #block: OpenBlock | undefined;
  #waiting: PendingBatch | undefined;
  #writing: PendingBatch | undefined;
  #endGathering: (() => void) | undefined;
  #running: Promise<void> | undefined;

  /** @param written the ordinal of the newest row on disk */
  constructor(disk: GuardedDatabase, written: number, rows: AppendedRows) {
    this.#disk = disk;
    this.#written = written;
    this.#rows = rows;
  }

  /**
   * Reports whether so much waits for the disk that nothing more should be appended until `flush` resolves.
   */
  get isBacklogged(): boolean {
    return (this.#waiting?.bytes ?? 0) + (this.#writing?.bytes ?? 0) > MAX_WAITING_BYTES;
  }

  /**
   * Queues the next row for writing, which has this encoded length. Returns its rank in its block. The row is
   * read when its block ends, which is before the next call of this method has returned.
   */
  addRow(ordinal: number, length: number): number {
    const waiting = this.#disk.trouble === undefined ? this.#begunBatch(ordinal) : undefined;
    if (waiting === undefined) this.refusedRows += 1;
    else {
      waiting.last = ordinal;
      waiting.bytes += length;
    }
    const block = this.#blockFor(ordinal, length);
    const rank = block.rows;
    block.rows += 1;
    block.bytes += length;
    return rank;
  }

  /** Queues any other record for writing. Its ordinal is that of the newest row. */
  put(ordinal: number, kind: Exclude<RecordKind, typeof RECORD.block>, value: Uint8Array): void {
    if (kind === RECORD.index) this.#endBlock();
    if (this.#disk.trouble !== undefined) {
      if (kind === RECORD.index) this.#refusedIndexRows.push({ ordinal, value });
      return;
    }
    const waiting = this.#begunBatch(ordinal + 1);
    waiting.batch.put(recordKey(ordinal, kind), value);
    waiting.bytes += value.length;
    if (kind === RECORD.index) waiting.indexRows.push({ ordinal, value });
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

  /** Returns the block for the next row. */
  #blockFor(ordinal: number, length: number): OpenBlock {
    const open = this.#block;
    if (open !== undefined && open.rows < MAX_BLOCK_ROWS && open.bytes + length <= MAX_BLOCK_BYTES)
      return open;
    this.#endBlock();
    const block = { first: ordinal, rows: 0, bytes: 0 };
    this.#block = block;
    return block;
  }

  /** Ends the open block and adds it to the waiting batch. */
  #endBlock(): void {
    const block = this.#block;
    this.#block = undefined;
    if (block === undefined || this.#waiting === undefined) return; // rejected: it is written later
    const { first, rows } = block;
    this.#waiting.batch.put(recordKey(first, RECORD.block), this.#rows.blockOf(first, first + rows - 1));
  }

  /** Returns the waiting batch. If there is none, begins one whose first row has the ordinal `first`. */
  #begunBatch(first: number): PendingBatch {
    if (this.#waiting !== undefined) return this.#waiting;
    this.#endBlock(); // rows that the disk rejected
    const waiting = this.#newBatch(first);
    this.#waiting = waiting;
    this.#running ??= this.#run();
    return waiting;
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
      this.#endBlock();
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
      const from = this.#written + 1;
      const batch = this.#disk.db.batch();
      let next = from;
      while (next < end && next - from < ROWS_PER_SLICE) {
        const last = this.#rows.lastOfBlock(next);
        batch.put(recordKey(next, RECORD.block), this.#rows.blockOf(next, last));
        next = last + 1;
      }
      await this.#disk.writeFilled(batch);
      this.#written = next - 1;
    }
    if (this.#refusedIndexRows.length === 0) return;
    const batch = this.#disk.db.batch();
    for (const { ordinal, value } of this.#refusedIndexRows)
      batch.put(recordKey(ordinal, RECORD.index), value);
    await this.#disk.writeFilled(batch);
    this.#refusedIndexRows = [];
  }

  async #gather(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, GATHER_MS);
      this.#endGathering = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#endGathering = undefined;
  }
}
