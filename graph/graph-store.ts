// The friend graph of one directory: who follows a topic and what a user follows, one row each way (store/), the rows of
// followers in memory for the fan-out (adjacency/), every change in order (audit/) and backups (backup/). Changes wait in
// a queue; one writer applies them in order, writes them as one synced batch, their audit included, and only then
// acknowledges them. Readers see what was committed last. Owned by one process.

import type { Topic, UserId } from "../broker/contract.ts";
import { quote } from "../lib/errors.ts";
import { FollowerRows } from "./adjacency/follower-rows.ts";
import { AuditLog, type AuditPage, KEPT_CHANGES } from "./audit/audit-log.ts";
import type { BackupReport } from "./backup/backup.ts";
import { Backups } from "./backup/backups.ts";
import { GraphError } from "./errors.ts";
import { Partitions } from "./partitions.ts";
import type { Change, Outcome } from "./store/changes.ts";
import { CommitQueue } from "./store/commit-queue.ts";
import {
  type Database,
  explainDisk,
  numberOperation,
  type Operation,
  openDatabase,
  readNumber,
  reopenDatabase,
} from "./store/database.ts";
import { type DiskTrouble, GuardedDatabase } from "./store/guarded-database.ts";
import { keepPartitions } from "./store/kept-partitions.ts";
import { blockedKey, followersKey, META, mutedKey, subscriptionsKey } from "./store/keys.ts";
import { intersect, unite } from "./store/row-sets.ts";
import { type Page, RowStore } from "./store/row-store.ts";

/** A scan of so many rows leaves enough mapped files behind. */
const WORTH_REOPENING_BYTES = 16_777_216;

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

export class GraphStore {
  readonly #disk: GuardedDatabase;
  readonly #rows: RowStore;
  readonly #audit: AuditLog;
  readonly #backups: Backups;
  /** The rows that events are expanded by. */
  readonly receivers: FollowerRows;
  readonly #queue: CommitQueue = new CommitQueue((lists) => this.#commit(lists));
  #closed = false;

  private constructor(disk: GuardedDatabase, audit: AuditLog, receivers: FollowerRows) {
    this.#disk = disk;
    this.#rows = new RowStore(disk.db);
    this.#audit = audit;
    this.#backups = new Backups(disk);
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
    const opened = await openDatabase(directory);
    try {
      refuseHalfLoaded(opened.db, directory);
      await keepPartitions(opened.db, directory, partitions);
      const disk = new GuardedDatabase(opened);
      const receivers = new FollowerRows(disk, memoryBytes);
      await receivers.load();
      if (receivers.bytes > WORTH_REOPENING_BYTES) await reopenDatabase(opened.db, directory);
      const store = new GraphStore(disk, await AuditLog.open(disk, keepChanges), receivers);
      disk.listen({
        beforeReopen: () => store.#backups.stop(),
        afterReopen: (failed) => store.#readAgain(failed),
        onTrouble: (trouble) => onTrouble?.(trouble),
      });
      return store;
    } catch (error) {
      await opened.close();
      throw explainDisk(directory, error);
    }
  }

  /** Follow relations in all. */
  get follows(): number {
    return this.#rows.follows;
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
    return this.#rows.count(topic, followersKey, mutedKey);
  }

  countSubscriptions(user: UserId): number {
    return this.#rows.count(user, subscriptionsKey);
  }

  /**
   * Ids of everyone who is sent a topic's events, ascending, in bounded sets, each valid until the next call; `nameOf`
   * turns them into names.
   */
  followers(topic: Topic): Iterable<Uint32Array> {
    const id = this.#rows.idOf(topic);
    return id === undefined ? [] : this.receivers.of(id);
  }

  nameOf(id: number): string {
    return this.#rows.nameOf(id);
  }

  /**
   * Who follows a topic, those who are sent nothing included: at most `limit`, behind `after`. A page is of one instant;
   * the list may change between pages, and who is in it all the while is on exactly one of them.
   * @throws GraphError BAD_REQUEST for an `after` that this graph never issued
   */
  pageFollowers(topic: Topic, after: string | undefined, limit: number): Page {
    return this.#rows.page(after, limit, (rest) => unite(rest(followersKey, topic), rest(mutedKey, topic)));
  }

  /** Who follows a topic and is sent nothing, likewise. */
  pageMuted(topic: Topic, after: string | undefined, limit: number): Page {
    return this.#rows.page(after, limit, (rest) => rest(mutedKey, topic));
  }

  /** Who cannot follow a topic, likewise. */
  pageBlocked(topic: Topic, after: string | undefined, limit: number): Page {
    return this.#rows.page(after, limit, (rest) => rest(blockedKey, topic));
  }

  /** What a user follows, likewise. */
  pageSubscriptions(user: UserId, after: string | undefined, limit: number): Page {
    return this.#rows.page(after, limit, (rest) => rest(subscriptionsKey, user));
  }

  /** What both users follow, likewise. Costs a look through both rows. */
  pageMutual(user: UserId, other: UserId, after: string | undefined, limit: number): Page {
    return this.#rows.page(after, limit, (rest) =>
      intersect(rest(subscriptionsKey, user), rest(subscriptionsKey, other)),
    );
  }

  /**
   * Changes in the order in which they were made, of one topic if given; `after` is a sequence number.
   * @throws GraphError BAD_REQUEST for one beyond the last
   */
  pageAudit(topic: Topic | undefined, after: number, limit: number): Promise<AuditPage> {
    const id = topic === undefined ? undefined : this.#rows.idOf(topic);
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
    const last = readNumber((key) => this.#disk.db.getSync(key), META.epoch);
    const epoch = Math.max(Date.now(), last + 1);
    await this.#disk.write([numberOperation(META.epoch, epoch)], { sync: true });
    return epoch;
  }

  /**
   * Writes a backup of the graph as it is now into a folder, while changes and reads go on. One at a time.
   * @throws GraphError BACKUP_FAILED, or GRAPH_OVERLOADED while another one is written
   */
  backup(folder: string): Promise<BackupReport> {
    return this.#backups.write(folder);
  }

  /** Waits for what was handed in, ends a backup, then gives the directory back. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all([this.#backups.close(), this.#queue.close()]);
    await this.#audit.close();
    await this.#disk.close();
  }

  async #commit(lists: readonly (readonly Change[])[]): Promise<Outcome[][]> {
    this.#disk.refuseInTrouble();
    const transaction = this.#rows.begin();
    const outcomes = lists.map((changes) => changes.map((change) => transaction.apply(change)));
    const { changes } = transaction;
    if (changes.length > 0) {
      const operations = [...transaction.operations(), ...this.#audit.operations(changes, Date.now())];
      await this.#disk.write(operations, { sync: true });
      // the one place that knows what a commit changed: it is on disk, and nobody has been told so yet
      this.#rows.settle(transaction);
      this.receivers.follow(operations);
      this.#audit.settle(changes.length);
    }
    return outcomes;
  }

  /** Reads again what is kept in memory. Of the operations that failed it is not known whether they took effect. */
  async #readAgain(failed: readonly Operation[]): Promise<void> {
    this.#rows.readAgain();
    this.receivers.readAgain(failed);
    await this.#audit.readAgain();
  }
}

/** @throws GraphError GRAPH_HALF_LOADED where a bulk load did not finish */
function refuseHalfLoaded(db: Database, directory: string): void {
  const loading = db.getSync(META.loading);
  if (loading === undefined) return;
  const what = quote(new TextDecoder().decode(loading));
  throw new GraphError(
    "GRAPH_HALF_LOADED",
    `loading ${what} into ${quote(directory)} did not finish: load it again, or delete the folder`,
  );
}
