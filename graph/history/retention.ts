// Enforces the bounds of the history: rows, age and bytes. Deletes whole segments, oldest first, as key
// ranges, but never a row that fan-out still needs. A segment is at most an eighth of a bound, so a deletion
// frees at most an eighth more than necessary. Owned by the history.

import type { GuardedDatabase } from "../store/guarded-database.ts";
import { RECORD, recordKey, segmentRange } from "./keys.ts";
import type { LogWriter } from "./log-writer.ts";
import { Segment } from "./segment.ts";
import type { SealedSegment, StoredRows } from "./stored-rows.ts";

/** Maximum rows per segment. The index row of such a segment takes 25 KB. */
const MAX_SEGMENT_ROWS = 4_096;
/** Minimum number of segments within a bound. */
const SEGMENTS_PER_BOUND = 8;
/** After this many bytes are deleted, their key range is compacted, which frees the disk space. */
const COMPACT_BYTES = 134_217_728;

export interface HistoryBounds {
  readonly maxRows: number;
  readonly maxAgeMs: number;
  readonly maxBytes: number;
}

export class Retention {
  /** The ordinal in the key of the newest horizon; 0 if nothing was deleted. */
  horizonAt: number;
  readonly #disk: GuardedDatabase;
  readonly #writer: LogWriter;
  readonly #rows: StoredRows;
  readonly #bounds: HistoryBounds;
  readonly #segmentRows: number;
  readonly #segmentBytes: number;
  /** The ordinal of the newest row that was deleted on disk. */
  #deletedUpTo: number;
  #deletedBytes = 0;
  #trimming: Promise<void> | undefined;

  constructor(
    disk: GuardedDatabase,
    writer: LogWriter,
    rows: StoredRows,
    horizonAt: number,
    bounds: HistoryBounds,
  ) {
    this.#disk = disk;
    this.#writer = writer;
    this.horizonAt = horizonAt;
    this.#deletedUpTo = rows.chain.first - 1;
    this.#rows = rows;
    this.#bounds = bounds;
    const segmentRows = Math.floor(bounds.maxRows / SEGMENTS_PER_BOUND);
    this.#segmentRows = Math.max(1, Math.min(MAX_SEGMENT_ROWS, segmentRows));
    this.#segmentBytes = bounds.maxBytes / SEGMENTS_PER_BOUND;
  }

  /** Reports whether the open segment has reached its maximum size and is to be sealed. */
  get isSegmentFull(): boolean {
    const { rows, bytes } = this.#rows.open;
    return rows >= this.#segmentRows || bytes >= this.#segmentBytes;
  }

  /** Reports whether the open segment has reached its maximum age and is to be sealed. */
  isSegmentOld(nowMs: number): boolean {
    return nowMs - this.#rows.open.earliestMs > this.#bounds.maxAgeMs / SEGMENTS_PER_BOUND;
  }

  /** Reports whether the stored bytes exceed their bound. */
  get isOverBytes(): boolean {
    return this.#rows.bytes > this.#bounds.maxBytes;
  }

  /**
   * Deletes segments until the bounds hold, but none that contains or follows the row `oldestNeeded`. A call
   * during a run returns the promise of that run. While the disk rejects writes, rows are deleted in memory,
   * and on disk afterwards.
   */
  trim(nowMs: number, oldestNeeded: number): Promise<void> {
    this.#trimming ??= this.#trim(nowMs, oldestNeeded).finally(() => {
      this.#trimming = undefined;
    });
    return this.#trimming;
  }

  async #trim(nowMs: number, oldestNeeded: number): Promise<void> {
    const { chain } = this.#rows;
    for (let { oldest } = this.#rows; oldest !== undefined; { oldest } = this.#rows) {
      if (oldest.last >= oldestNeeded || !this.#exceedsBounds(oldest, nowMs)) break;
      await this.#disk.readable;
      this.#drop(oldest);
    }
    if (this.#deletedUpTo === chain.first - 1) return;
    this.noteHorizon();
    if (!(await this.#writer.flush())) return; // the next run deletes on disk
    await this.#disk.clear(segmentRange(this.#deletedUpTo, chain.first - 1));
    this.#deletedUpTo = chain.first - 1;
    if (this.#deletedBytes < COMPACT_BYTES) return;
    this.#deletedBytes = 0;
    chain.shrink();
    await this.#disk.compact(recordKey(0, RECORD.block), recordKey(chain.first, RECORD.block));
  }

  #exceedsBounds({ latestMs }: SealedSegment, nowMs: number): boolean {
    const { maxRows, maxAgeMs } = this.#bounds;
    return this.#rows.count > maxRows || this.isOverBytes || nowMs - latestMs > maxAgeMs;
  }

  #drop({ last }: SealedSegment): void {
    const encoded = this.#writer.indexRow(last);
    const decoded = encoded && Segment.decode(encoded);
    if (decoded === undefined)
      throw new Error(`the index row ${recordKey(last, RECORD.index)} of the history is missing or damaged`);
    this.#rows.dropOldest(decoded.segment);
    this.#writer.dropBefore(last + 1);
    this.#deletedBytes += decoded.segment.bytes;
  }

  /**
   * Writes the horizon. This precedes the deletion, so that after a crash in between readers are told of too
   * many missing rows rather than too few.
   */
  noteHorizon(): void {
    this.horizonAt = this.#rows.chain.next - 1;
    this.#writer.put(this.horizonAt, RECORD.horizon, this.#rows.horizon.encode());
  }
}
