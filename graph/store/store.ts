// The friend graph on disk: who follows a topic and what a user follows, one row each way, in LevelDB. Changes wait in a
// queue; one writer applies them in order, writes them as one synced batch, their audit included, and only then
// acknowledges them. Readers see what was committed last. Owned by one process.

import type { Topic, UserId } from "../../broker/contract.ts";
import { quote } from "../../lib/errors.ts";
import { FollowerRows } from "../adjacency/follower-rows.ts";
import { AuditLog, type AuditPage, KEPT_CHANGES } from "../audit/audit-log.ts";
import { type BackupReport, writeBackup } from "../backup/backup.ts";
import { GraphError } from "../errors.ts";
import { Partitions } from "../partitions.ts";
import type { Change, Outcome } from "./changes.ts";
import { CommitQueue } from "./commit-queue.ts";
import {
  type Database,
  explainDisk,
  numberOperation,
  type Operation,
  openDatabase,
  type Read,
  readNumber,
  reopenDatabase,
} from "./database.ts";
import { type DiskTrouble, GuardedDatabase } from "./guarded-database.ts";
import { keepPartitions } from "./kept-partitions.ts";
import { blockedKey, followersKey, META, mutedKey, subscriptionsKey } from "./keys.ts";
import { Names } from "./names.ts";
import { countRow, readAsOfNow, readRow } from "./row-reader.ts";
import { intersect, unite } from "./row-sets.ts";
import { Transaction } from "./transaction.ts";

/** A scan of so many rows leaves enough mapped files behind. */
const WORTH_REOPENING_BYTES = 16_777_216;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export interface StoreOptions {
  /** Changes that the audit keeps; the oldest beyond are trimmed. */
  readonly keepChanges?: number;
  /** Rows of followers are held in up to so much memory. */
  readonly memoryBytes?: number;
  /** The part of the topics whose rows these are; all where absent. */
  readonly partitions?: Partitions;
  /** Called when changes become impossible because a write failed, and when they are possible again. */
  readonly onTrouble?: (trouble: DiskTrouble | undefined) => void;
}

/** One page of a row, as names. */
export interface Page {
  readonly names: readonly string[];
  /** Where more follow: hand it back as `after`. */
  readonly next: string | undefined;
}

type KeyOf = (id: number) => string;
/** The ids of a name's row behind where a page begins. */
type RowBehind = (key: KeyOf, name: Topic) => Iterable<Uint32Array>;

export class GraphStore {
  readonly #db: Database;
  readonly #disk: GuardedDatabase;
  readonly #names: Names;
  readonly #release: () => void;
  readonly #read: Read;
  readonly #audit: AuditLog;
  /** The rows that events are expanded by. */
  readonly receivers: FollowerRows;
  readonly #queue: CommitQueue = new CommitQueue((lists) => this.#commit(lists));
  #follows: number;
  #closed = false;
  #backup: { readonly written: Promise<BackupReport>; readonly stop: AbortController } | undefined;

  private constructor(disk: GuardedDatabase, release: () => void, audit: AuditLog, receivers: FollowerRows) {
    this.#disk = disk;
    this.#db = disk.db;
    this.#audit = audit;
    this.#release = release;
    this.#read = (key) => disk.db.getSync(key);
    this.#names = new Names(this.#read);
    this.#follows = readNumber(this.#read, META.follows);
    this.receivers = receivers;
  }

  /**
   * Opens a directory, an empty graph where it does not exist, for these partitions and no others. Rows of followers are
   * held in up to `memoryBytes`, and read into them first: 2 CPU-seconds for
   * 1,000,000 of 30.
   * @throws GraphError GRAPH_DIR_BUSY, GRAPH_DIR_FOREIGN, GRAPH_HALF_LOADED, GRAPH_OTHER_PARTITIONS or GRAPH_DAMAGED
   */
  static async open(
    directory: string,
    {
      keepChanges = KEPT_CHANGES,
      memoryBytes = 0,
      partitions = Partitions.whole,
      onTrouble,
    }: StoreOptions = {},
  ): Promise<GraphStore> {
    const { db, release } = await openDatabase(directory);
    try {
      const loading = db.getSync(META.loading);
      if (loading !== undefined) {
        const what = quote(decoder.decode(loading));
        throw new GraphError(
          "GRAPH_HALF_LOADED",
          `loading ${what} into ${quote(directory)} did not finish: load it again, or delete the folder`,
        );
      }
      await keepPartitions(db, directory, partitions);
      const disk = new GuardedDatabase(db, directory);
      const receivers = new FollowerRows(disk, memoryBytes);
      await receivers.load();
      if (receivers.bytes > WORTH_REOPENING_BYTES) await reopenDatabase(db, directory);
      const store = new GraphStore(disk, release, await AuditLog.open(disk, keepChanges), receivers);
      disk.listen({
        beforeReopen: () => store.#backup?.stop.abort(),
        afterReopen: (failed) => store.#readAgain(failed),
        onTrouble: (trouble) => onTrouble?.(trouble),
      });
      return store;
    } catch (error) {
      await db.close();
      release();
      throw explainDisk(directory, error);
    }
  }

  /** Follow relations in all. */
  get follows(): number {
    return this.#follows;
  }

  /** Changes that wait for the disk. */
  get waitingChanges(): number {
    return this.#queue.length;
  }

  /** The audit's own figures. */
  get audit(): Pick<AuditLog, "last" | "length" | "trimmed" | "failedTrims"> {
    return this.#audit;
  }

  /** Why no change is taken at this moment: a write failed, and the disk has not taken one since. */
  get trouble(): DiskTrouble | undefined {
    return this.#disk.trouble;
  }

  /** Writes that failed since the start. */
  get failedWrites(): number {
    return this.#disk.failedWrites;
  }

  /** Resolves when the rows can be read: pending only while the directory is being opened again after a failed write. */
  get readable(): Promise<void> | undefined {
    return this.#disk.readable;
  }

  /** Runs reads, also such as last over several turns: the directory stays open until `work` has settled. */
  async read<T>(work: () => T | Promise<T>): Promise<T> {
    while (this.#disk.readable !== undefined) await this.#disk.readable;
    const release = this.#disk.hold();
    try {
      return await work();
    } finally {
      release();
    }
  }

  /** Those who are sent nothing included. */
  countFollowers(topic: Topic): number {
    return this.#countRows(topic, followersKey, mutedKey);
  }

  countSubscriptions(user: UserId): number {
    return this.#countRows(user, subscriptionsKey);
  }

  /**
   * Ids of everyone who is sent a topic's events, ascending, in bounded sets, each valid until the next call; `nameOf`
   * turns them into names.
   */
  followers(topic: Topic): Iterable<Uint32Array> {
    const id = this.#names.idOf(topic);
    return id === undefined ? [] : this.receivers.of(id);
  }

  nameOf(id: number): string {
    return this.#names.nameOf(id);
  }

  /**
   * Who follows a topic, those who are sent nothing included: at most `limit`, behind `after`. A page is of one instant;
   * the list may change between pages, and who is in it all the while is on exactly one of them.
   * @throws GraphError BAD_REQUEST for an `after` that this graph never issued
   */
  pageFollowers(topic: Topic, after: string | undefined, limit: number): Page {
    return this.#page(after, limit, (row) => unite(row(followersKey, topic), row(mutedKey, topic)));
  }

  /** Who follows a topic and is sent nothing, likewise. */
  pageMuted(topic: Topic, after: string | undefined, limit: number): Page {
    return this.#page(after, limit, (row) => row(mutedKey, topic));
  }

  /** Who cannot follow a topic, likewise. */
  pageBlocked(topic: Topic, after: string | undefined, limit: number): Page {
    return this.#page(after, limit, (row) => row(blockedKey, topic));
  }

  /** What a user follows, likewise. */
  pageSubscriptions(user: UserId, after: string | undefined, limit: number): Page {
    return this.#page(after, limit, (row) => row(subscriptionsKey, user));
  }

  /** What both users follow, likewise. Costs a look through both rows. */
  pageMutual(user: UserId, other: UserId, after: string | undefined, limit: number): Page {
    return this.#page(after, limit, (row) =>
      intersect(row(subscriptionsKey, user), row(subscriptionsKey, other)),
    );
  }

  /**
   * Changes in the order in which they were made, of one topic if given; `after` is a sequence number.
   * @throws GraphError BAD_REQUEST for one beyond the last
   */
  pageAudit(topic: Topic | undefined, after: number, limit: number): Promise<AuditPage> {
    const id = topic === undefined ? undefined : this.#names.idOf(topic);
    // a name that nobody ever used is in no change, and no number is below zero
    return this.#audit.page(after, limit, topic === undefined ? undefined : (id ?? -1));
  }

  /**
   * Applies changes in order, after those that were handed in before. Resolves when they are on disk, with one
   * outcome a change. Following oneself is always the case, and no change of that makes a difference.
   * @throws GraphError GRAPH_OVERLOADED, and nothing is applied; GRAPH_DISK_FAILED or GRAPH_REOPENING while the disk takes
   *   no writes: those under way may or may not take effect, and all may be sent again
   */
  apply(changes: readonly Change[]): Promise<readonly Outcome[]> {
    return this.#queue.add(changes);
  }

  /** A number greater than every one it answered before, on disk before it is answered. */
  async nextEpoch(): Promise<number> {
    const epoch = Math.max(Date.now(), readNumber(this.#read, META.epoch) + 1);
    await this.#disk.write([{ type: "put", key: META.epoch, value: encoder.encode(String(epoch)) }], {
      sync: true,
    });
    return epoch;
  }

  /**
   * Writes a backup of the graph as it is now into a folder, while changes and reads go on. One at a time.
   * @throws GraphError BACKUP_FAILED, or GRAPH_OVERLOADED while another one is written
   */
  async backup(folder: string): Promise<BackupReport> {
    if (this.#backup !== undefined) {
      throw new GraphError("GRAPH_OVERLOADED", "a backup is being written: ask again when it is done");
    }
    const stop = new AbortController();
    const release = this.#disk.hold();
    const written = writeBackup(this.#db, folder, stop.signal).finally(() => {
      this.#backup = undefined;
      release();
    });
    this.#backup = { written, stop };
    return written;
  }

  /** Waits for what was handed in, ends a backup, then gives the directory back. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#backup?.stop.abort();
    const written = this.#queue.close();
    await this.#backup?.written.catch(() => {}); // who asked for it is told
    await written;
    await this.#audit.close();
    await this.#disk.close();
    this.#release();
  }

  #countRows(name: Topic, ...keys: readonly KeyOf[]): number {
    const id = this.#names.idOf(name);
    if (id === undefined) return 0;
    return readAsOfNow(this.#db, (read) => keys.reduce((sum, key) => sum + countRow(read, key(id)), 0));
  }

  #page(after: string | undefined, limit: number, rowsOf: (row: RowBehind) => Iterable<Uint32Array>): Page {
    const behind = after === undefined ? undefined : this.#placeOf(after);
    return readAsOfNow(this.#db, (read) => {
      const rows = rowsOf((key, name) => {
        const id = this.#names.idOf(name);
        return id === undefined ? [] : readRow(read, key(id), behind);
      });
      return this.#firstOf(rows, limit);
    });
  }

  /**
   * Where a page goes on. A name keeps its place when it leaves the list, and for ever; a name that this graph has never held
   * can have been on no page, and a list would seem to begin again.
   */
  #placeOf(after: string): number {
    const id = this.#names.idOf(after);
    if (id !== undefined) return id;
    throw new GraphError(
      "BAD_REQUEST",
      `"after" ${quote(after)} is on no page of this graph: give the \`next\` of the page before, or leave it out`,
    );
  }

  #firstOf(rows: Iterable<Uint32Array>, limit: number): Page {
    const names: string[] = [];
    for (const ids of rows) {
      for (const found of ids) {
        if (names.length === limit) return { names, next: names[limit - 1] };
        names.push(this.#names.nameOf(found));
      }
    }
    return { names, next: undefined };
  }

  async #commit(lists: readonly (readonly Change[])[]): Promise<Outcome[][]> {
    this.#disk.refuseInTrouble();
    const transaction = new Transaction(this.#read, this.#names.batch());
    const outcomes = lists.map((changes) => changes.map((change) => transaction.apply(change)));
    if (transaction.changes.length > 0) {
      const operations = [
        ...transaction.operations(),
        ...this.#audit.operations(transaction.changes, Date.now()),
        numberOperation(META.follows, this.#follows + transaction.follows),
      ];
      await this.#disk.write(operations, { sync: true });
      this.#committed(transaction, operations);
    }
    return outcomes;
  }

  /** Reads again what is kept in memory. Of the operations that failed it is not known whether they took effect. */
  async #readAgain(failed: readonly Operation[]): Promise<void> {
    this.#names.readAgain();
    this.receivers.readAgain(failed);
    this.#follows = readNumber(this.#read, META.follows);
    await this.#audit.readAgain();
  }

  /** The one place that knows what a commit changed: it is on disk, and nobody has been told so yet. */
  #committed(transaction: Transaction, operations: readonly Operation[]): void {
    this.#names.settle(transaction.names);
    this.receivers.follow(operations);
    this.#follows += transaction.follows;
    this.#audit.settle(transaction.changes.length);
  }
}
