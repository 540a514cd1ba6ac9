// The history: events, messages to users and holes in order of arrival, in a LevelDB of its own. Fan-out
// reads from it at its own pace, and readers who reconnect receive from it what they missed. It is bounded by
// rows, age and bytes; the oldest segments are deleted first. Owned by the graph service.
//
//   append ──▶ recent rows (memory) ──batch──▶ LevelDB        read ◀── recent rows, else LevelDB
//
// Batches are not synced: written rows survive the end of the process, but not a crash of the machine. While
// the disk rejects writes, rows are kept only in memory and are counted.

import { formatEventId, type ResyncReason } from "../../broker/contract.ts";
import { type Operation, openDatabase, writeBatch } from "../store/database.ts";
import { type DiskTrouble, GuardedDatabase } from "../store/guarded-database.ts";
import { Block, joinRows } from "./block.ts";
import { noteEpoch, readEpoch, resolveEpoch } from "./epoch.ts";
import { findMissed, type Missed, type ReceivedUpTo, type UserTags } from "./finder.ts";
import { makeHole } from "./hole.ts";
import { META, RECORD, recordKey } from "./keys.ts";
import { continueNumbers, type Loaded, loadHistory, noteStart } from "./load.ts";
import { LogWriter } from "./log-writer.ts";
import { MessageIds } from "./message-ids.ts";
import { RecentRows } from "./recent-rows.ts";
import { type HistoryBounds, Retention } from "./retention.ts";
import { encodeRowAt, makeBareRow, memoryOf, ROW_KIND, type Row, rowBytes } from "./row.ts";
import type { Position } from "./sequences.ts";
import type { StoredRows } from "./stored-rows.ts";

/** The layout of keys and rows that this code reads and writes. */
const FORMAT = "history-2";
/** The graph itself is in the folder around this one. */
const REMEDY = "move this folder away, and readers who come back are told that they missed something";
/** Maximum number of bytes that `forget` writes at a time. */
const FORGET_BYTES = 1_048_576;

const encoder = new TextEncoder();

export interface HistoryOptions {
  readonly partitions: readonly number[];
  /** The epoch stored in the graph's directory; 0 if none is. */
  readonly lastEpoch: number;
  readonly bounds: HistoryBounds;
  /** Memory for the newest rows, in bytes. */
  readonly recentBytes: number;
  /** Whether the history numbers the rows itself, or its caller does with `continueAt`. Defaults to `own`. */
  readonly numbering?: "own" | "given";
  readonly onTrouble: (trouble: DiskTrouble | undefined) => void;
}

/** A stored row with its partition and position. */
export interface StoredRow extends Row, Position {
  readonly partition: number;
}

export class History {
  /** The highest epoch of any row, stored or to be appended. */
  #epoch: number;
  readonly messageIds: MessageIds;
  readonly #ageClock: "monotonic" | "stored";
  /**
   * The last time at which an earlier run of the service is known to have been listening, in milliseconds
   * since 1970; undefined in a new history.
   */
  readonly lastListeningMs: number | undefined;
  readonly #disk: GuardedDatabase;
  readonly #rows: StoredRows;
  readonly #recent: RecentRows;
  readonly #writer: LogWriter;
  readonly #retention: Retention;
  /** The block that was read last from disk. Fan-out that lags reads many rows of the same block. */
  #lastRead: { readonly first: number; readonly block: Block } | undefined;
  /** The ordinal in the key of the newest index row. */
  #indexAt: number;
  #isClosed = false;

  private constructor(options: HistoryOptions, epoch: number, disk: GuardedDatabase, loaded: Loaded) {
    const { rows, previous } = loaded;
    this.#disk = disk;
    this.#rows = rows;
    this.#epoch = epoch;
    const { numbering = "own" } = options;
    this.#ageClock = numbering === "own" ? "monotonic" : "stored";
    this.messageIds = MessageIds.restore(loaded.storedIds, this.#ageClock);
    this.lastListeningMs = loaded.lastListeningMs;
    this.#indexAt = previous.index;
    this.#recent = new RecentRows(rows.chain.next, options.recentBytes);
    this.#writer = new LogWriter(disk, rows.chain.next - 1, {
      blockOf: (first, last) => this.#blockOf(first, last),
      lastOfBlock: (ordinal) => rows.lastOfBlock(ordinal),
    });
    this.#retention = new Retention(disk, this.#writer, rows, previous.horizon, options.bounds);
    disk.listen({
      beforeReopen() {},
      async afterReopen() {},
      onTrouble: (trouble) => {
        if (trouble !== undefined) this.#writer.onTrouble();
        options.onTrouble(trouble);
      },
    });
  }

  /**
   * Opens the history in a folder and creates it if it does not exist. Reads one index row per segment and
   * the rows after the newest index row: 0.3 s for 4,000,000 rows.
   * @throws GraphError GRAPH_DIR_BUSY, GRAPH_DIR_FOREIGN, GRAPH_DISK_FAILED or GRAPH_DAMAGED
   */
  static async open(directory: string, options: HistoryOptions): Promise<History> {
    const open = await openDatabase(directory, FORMAT, REMEDY);
    try {
      const { partitions, lastEpoch, numbering = "own" } = options;
      const loaded = await loadHistory(open.db, partitions);
      const { epoch, mayLackEvents } =
        numbering === "own"
          ? await resolveEpoch(open.db, lastEpoch)
          : { epoch: Math.max(readEpoch(open.db), lastEpoch), mayLackEvents: false };
      if (numbering === "own") continueNumbers(open.db, loaded.rows, partitions, epoch);
      await noteStart(open.db, loaded.rows, partitions, Date.now());
      const history = new History(options, epoch, new GuardedDatabase(open), loaded);
      if (mayLackEvents) history.#markEarlierEpochsDeleted();
      return history;
    } catch (error) {
      await open.close();
      throw error;
    }
  }

  /** The highest epoch of any row, stored or to be appended; 0 if there is none. */
  get epoch(): number {
    return this.#epoch;
  }

  /** The number of stored rows. */
  get rows(): number {
    return this.#rows.count;
  }

  /** The size of the stored rows in bytes, before compression by LevelDB. */
  get bytes(): number {
    return this.#rows.bytes;
  }

  /** Memory used, in bytes, including the recent rows. */
  get memoryBytes(): number {
    return this.#recent.bytes + this.#rows.memoryBytes;
  }

  /** The earliest time of a stored row, in milliseconds since 1970; undefined if no row is stored. */
  get oldestMs(): number | undefined {
    const { earliestMs } = this.#rows;
    return Number.isFinite(earliestMs) ? earliestMs : undefined;
  }

  /**
   * The ordinal of the oldest stored row. Stored rows have the ordinals from `first` up to but excluding
   * `next`.
   */
  get first(): number {
    return this.#rows.chain.first;
  }

  get next(): number {
    return this.#rows.chain.next;
  }

  /** Why rows are currently kept only in memory; undefined while the disk accepts writes. */
  get trouble(): DiskTrouble | undefined {
    return this.#disk.trouble;
  }

  /**
   * The number of rows that the disk rejected when they were appended. They are written later if they are
   * still in memory by then.
   */
  get refusedRows(): number {
    return this.#writer.refusedRows;
  }

  /**
   * Reports whether so much waits for the disk that nothing more should be received until `flush` resolves.
   */
  get isBacklogged(): boolean {
    return this.#writer.isBacklogged;
  }

  /**
   * Reports whether nothing more should be appended: the stored bytes exceed their bound, and the oldest
   * segment cannot be deleted because it contains or follows the row `oldestNeeded`.
   */
  isFull(oldestNeeded: number): boolean {
    return this.#retention.isOverBytes && (this.#rows.oldest?.last ?? oldestNeeded) >= oldestNeeded;
  }

  /** Returns the position that the next row of a partition gets. */
  nextPosition(partition: number): Position {
    return this.#rows.nextPosition(partition);
  }

  /**
   * Sets the position of a partition's next row, which must come after every earlier one. In a new epoch,
   * everything before this position counts as deleted. The epoch is on disk when the promise resolves.
   */
  async continueAt(partition: number, at: Position): Promise<void> {
    if (at.epoch > this.#epoch) {
      this.#epoch = at.epoch;
      await noteEpoch(this.#disk.db, at.epoch);
    }
    const { epoch } = this.nextPosition(partition);
    if (epoch !== at.epoch && at.sequence > 1) {
      this.#rows.horizon.add({ partition, ...at, sequence: at.sequence - 1, earliestMs: 0 });
      this.#retention.noteHorizon();
    }
    this.#rows.setNextPosition(partition, at);
  }

  /**
   * Leaves out the positions up to one of the present epoch, because the rows that belong there are lost.
   */
  skipTo(partition: number, sequence: number): void {
    const { epoch } = this.nextPosition(partition);
    this.#rows.setNextPosition(partition, { epoch, sequence });
  }

  /**
   * Stores a row at the next position of its partition and returns its ordinal. The row's body must begin
   * with the id of that position.
   */
  append(partition: number, row: Row): number {
    if (this.#retention.isSegmentFull || this.#rows.mustSeal(partition)) this.#seal();
    const at = this.#rows.nextPosition(partition);
    const ordinal = this.next;
    const length = rowBytes(row);
    const rank = this.#writer.addRow(ordinal, length);
    this.#recent.append(row, length);
    this.#rows.append(partition, row, length, rank);
    if (row.messageId !== "")
      this.messageIds.note(partition, row.messageId, {
        id: formatEventId({ partition, ...at }),
        atMs: this.#ageClock === "stored" ? row.timeMs : performance.now(),
      });
    return ordinal;
  }

  /**
   * Stores a hole in a partition and returns its ordinal. Its body is what edges are sent: broker/contract.ts
   * decodes it.
   * @param sinceMs no event that may be missing is older, in milliseconds since 1970; undefined if unknown
   */
  appendHole(partition: number, reason: ResyncReason, sinceMs: number | undefined): number {
    const id = formatEventId({ partition, ...this.nextPosition(partition) });
    const body = encoder.encode(JSON.stringify({ id, ...makeHole(reason, sinceMs, this.oldestMs) }));
    // the time of the first event that may be missing: `since` is then right after the hole was deleted, too
    const timeMs = sinceMs ?? Date.now();
    return this.append(partition, { kind: ROW_KIND.hole, name: "", timeMs, messageId: "", body });
  }

  /**
   * Returns the row of an ordinal, or undefined if it is not stored (any more). The body may be a view of the
   * recent rows and is valid only until the next turn of the event loop. Must not be called while `readable`
   * is defined.
   */
  read(ordinal: number): StoredRow | undefined {
    if (ordinal < this.first || ordinal >= this.next) return undefined;
    const row = this.#recent.read(ordinal) ?? this.#readFromDisk(ordinal);
    if (row === undefined) return undefined;
    const { kind, name, timeMs, messageId, body } = row; // spreading it costs more than reading it
    const { epoch, sequence } = this.#rows.positionOf(ordinal);
    const partition = this.#rows.placement.partitionAt(ordinal);
    return { kind, name, timeMs, messageId, body, partition, epoch, sequence };
  }

  /**
   * A promise that resolves when rows can be read again, while the folder is reopened after a failed write;
   * otherwise undefined.
   */
  get readable(): Promise<void> | undefined {
    return this.#disk.readable;
  }

  /** Returns the partition and position of a stored ordinal, whether or not its row can be read. */
  placeOf(ordinal: number): Position & { readonly partition: number } {
    const partition = this.#rows.placement.partitionAt(ordinal);
    return { partition, ...this.#rows.positionOf(ordinal) };
  }

  /** Returns a time no later than that of a stored ordinal, in milliseconds since 1970. O(segments). */
  earliestTimeOf(ordinal: number): number {
    return this.#rows.earliestTimeOf(ordinal);
  }

  /**
   * Returns the ordinal of the first stored row of a partition after a position; `next` if there is none.
   * Linear in the number of rows after it.
   */
  ordinalAfter(partition: number, at: Position): number {
    return this.#rows.ordinalAfter(partition, at);
  }

  /** Returns the ordinal of the row at a position, or undefined if none is stored there. */
  ordinalAt(partition: number, at: Position): number | undefined {
    const ordinal = this.ordinalAfter(partition, { epoch: at.epoch, sequence: at.sequence - 1 });
    if (ordinal >= this.next) return undefined;
    const found = this.placeOf(ordinal);
    return found.epoch === at.epoch && found.sequence === at.sequence ? ordinal : undefined;
  }

  /**
   * Returns the rows that may concern a user in a partition, after one position and up to another; see
   * findMissed.
   */
  findMissed(
    partition: number,
    concerns: UserTags,
    after: ReceivedUpTo,
    upTo: Position,
    max: number,
  ): Missed {
    return findMissed(this.#rows, partition, concerns, after, upTo, max);
  }

  /**
   * Returns the earliest time of any deleted row after a position of a partition, in milliseconds since 1970,
   * or undefined if no row after it was deleted. In that case a replay from the position is complete.
   */
  earliestDeletedAfter(partition: number, at: Position): number | undefined {
    const earliest = this.#rows.horizon.earliestAfter(partition, at);
    return Number.isFinite(earliest) ? earliest : undefined;
  }

  /**
   * Returns the earliest time of any row after a position of a partition, deleted or stored, in milliseconds
   * since 1970, or undefined if there is none.
   */
  earliestAfter(partition: number, at: Position): number | undefined {
    const earliest = this.#rows.earliestAfter(partition, at);
    return Number.isFinite(earliest) ? earliest : undefined;
  }

  /** Resolves to true once everything appended before is written, or to false if the disk rejected it. */
  flush(): Promise<boolean> {
    return this.#writer.flush();
  }

  /**
   * Records that the service is listening at this moment, so that the next start can tell since when it was
   * not.
   */
  noteListening(nowMs: number): void {
    this.#writer.put(this.next - 1, RECORD.listened, encoder.encode(String(nowMs)));
  }

  /**
   * Erases a name's rows, both the events of a topic and the messages to a user, from disk and memory. O(rows
   * of the name): each block with such a row is written again.
   * @throws GraphError GRAPH_DISK_FAILED, GRAPH_REOPENING: some rows may still be on disk; call it again
   */
  async forget(name: string): Promise<void> {
    await this.flush();
    const ordinals = this.#rows.ordinalsOf(name).sort((one, other) => one - other);
    for (let done = 0; done < ordinals.length; ) {
      await this.readable;
      const changed = new Map<number, Block>();
      for (let size = 0; done < ordinals.length && size < FORGET_BYTES; done += 1)
        size += this.#erase(ordinals[done] as number, name, changed);
      await this.#disk.write([...changed].map(putBlock), { sync: done === ordinals.length });
      this.#lastRead = undefined; // read in the meantime, perhaps
    }
  }

  /** Deletes the oldest rows until the bounds hold, but neither the row `oldestNeeded` nor any later one. */
  async trim(nowMs: number, oldestNeeded: number): Promise<void> {
    if (this.#retention.isSegmentOld(nowMs)) this.#seal();
    await this.flush();
    await this.#retention.trim(nowMs, oldestNeeded);
  }

  /**
   * Writes everything that waits, marks the shutdown as clean so that sequence numbers continue without a
   * gap, and closes the database. Idempotent.
   */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#seal();
    await this.#writer.idle();
    const ended = { type: "put", key: META.ended, value: new Uint8Array(1) } as const;
    if (this.trouble === undefined) await writeBatch(this.#disk.db, [ended], true);
    await this.#disk.close();
  }

  /**
   * Marks everything before the current epoch as deleted: earlier epochs may contain events that are not
   * stored here.
   */
  #markEarlierEpochsDeleted(): void {
    this.#rows.markEpochsDeletedBefore(this.epoch);
    this.#retention.noteHorizon();
  }

  #seal(): void {
    const segment = this.#rows.seal();
    if (segment === undefined) return;
    const previous = { index: this.#indexAt, horizon: this.#retention.horizonAt };
    this.#indexAt = this.next - 1;
    this.#writer.put(this.#indexAt, RECORD.index, segment.encode(previous));
  }

  #readFromDisk(ordinal: number): Row | undefined {
    const rank = this.#rows.rankOf(ordinal);
    return this.#blockOnDisk(ordinal - rank)?.row(rank);
  }

  #blockOnDisk(first: number): Block | undefined {
    if (this.#lastRead?.first === first) return this.#lastRead.block;
    const bytes = this.#disk.db.getSync(recordKey(first, RECORD.block));
    if (bytes === undefined) return undefined;
    const block = new Block(bytes);
    this.#lastRead = { first, block };
    return block;
  }

  /**
   * Erases a row if it has this name: in memory, and in its block, which is added to `changed` by the ordinal
   * of its first row. Returns the size of an added block.
   */
  #erase(ordinal: number, name: string, changed: Map<number, Block>): number {
    const row = this.read(ordinal);
    if (row?.name !== name) return 0;
    const rank = this.#rows.rankOf(ordinal);
    const id = formatEventId(row);
    this.#recent.erase(ordinal, id);
    const known = changed.get(ordinal - rank);
    const block = known ?? this.#blockOnDisk(ordinal - rank);
    if (block === undefined) return 0; // rejected by the disk: it is written later, from memory
    block.erase(rank, id);
    changed.set(ordinal - rank, block);
    return known === undefined ? block.bytes.length : 0;
  }

  /** Returns consecutive rows as a block. A row that is no longer in memory is replaced by a `lost` row. */
  #blockOf(first: number, last: number): Uint8Array {
    const block = this.#recent.blockOf(first, last);
    if (block !== undefined) return block;
    const rows: Uint8Array[] = [];
    for (let ordinal = first; ordinal <= last; ordinal += 1)
      rows.push(this.#recent.bytesOf(ordinal) ?? this.#lostRow(ordinal));
    return joinRows(rows);
  }

  #lostRow(ordinal: number): Uint8Array {
    const partition = this.#rows.placement.partitionAt(ordinal);
    const id = formatEventId({ partition, ...this.#rows.positionOf(ordinal) });
    const row = makeBareRow(ROW_KIND.lost, this.#rows.earliestTimeOf(ordinal), id);
    const bytes = new Uint8Array(rowBytes(row));
    encodeRowAt(row, memoryOf(bytes), 0);
    return bytes;
  }
}

function putBlock([first, { bytes }]: readonly [number, Block]): Operation {
  return { type: "put", key: recordKey(first, RECORD.block), value: bytes };
}
