// The friend graph of one directory. Every follow is stored in two rows, that of the topic and that of the
// user (store/). The fan-out reads the rows of followers from memory (adjacency/); changes are recorded in
// order (audit/), and the graph can be backed up while it is served (backup/). Changes wait in a queue. A
// single writer applies them in order, appends them to their partitions' change logs if there are any
// (change-log/), writes them and their audit records as one synced batch, and only then acknowledges them.
// Reads see the last commit. Owned by one process.

import type { Topic, UserId } from "../broker/contract.ts";
import { quote } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import { FollowerRows } from "./adjacency/follower-rows.ts";
import { AuditLog, type AuditPage, KEPT_CHANGES } from "./audit/audit-log.ts";
import type { BackupReport } from "./backup/backup.ts";
import { Backups } from "./backup/backups.ts";
import { offLogOperation } from "./change-log/applied.ts";
import type { LoggedChanges } from "./change-log/logged-changes.ts";
import { openChangeLogs } from "./change-log/open-log.ts";
import type { LoggedRecord, PartitionLog } from "./change-log/partition-log.ts";
import { GraphError } from "./errors.ts";
import { Partitions } from "./partitions.ts";
import type { Change, Outcome } from "./store/changes.ts";
import { CommitQueue, type CommitResult } from "./store/commit-queue.ts";
import { Committer } from "./store/committer.ts";
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
import { readRowAsOfNow, rowHas } from "./store/row-reader.ts";
import { intersect, unite } from "./store/row-sets.ts";
import { type Page, RowStore } from "./store/row-store.ts";

/** Scanning this many bytes of rows leaves so many files mapped that reopening the database pays off. */
const WORTH_REOPENING_BYTES = 16_777_216;

export interface StoreOptions {
  /** The number of changes that the audit keeps. Older ones are trimmed. */
  readonly keepChanges?: number;
  /** The maximum memory for rows of followers, in bytes. */
  readonly memoryBytes?: number;
  /** The partitions whose rows the directory holds. Defaults to the whole graph. */
  readonly partitions?: Partitions;
  /** Called when a failed write makes changes impossible, and when they are possible again. */
  readonly onTrouble?: (trouble: DiskTrouble | undefined) => void;
}

/** The stream of a partition's events: when it was created, and the epoch of its sequence numbers. */
export type EventStreams = Readonly<Record<number, { readonly createdMs: number; readonly epoch: number }>>;

interface StoreParts {
  readonly disk: GuardedDatabase;
  readonly audit: AuditLog;
  readonly receivers: FollowerRows;
  readonly partitions: Partitions;
  readonly offLog: Operation | undefined;
}

export class GraphStore {
  readonly #disk: GuardedDatabase;
  readonly #rows: RowStore;
  readonly #audit: AuditLog;
  readonly #backups: Backups;
  /** The rows from which events are expanded. */
  readonly receivers: FollowerRows;
  readonly #partitions: Partitions;
  readonly #committer: Committer;
  readonly #queue: CommitQueue = new CommitQueue((lists) => this.#commit(lists));
  #logged: LoggedChanges | undefined;
  /** Notes the first change that is made without the change log that the directory has followed. */
  #offLog: Operation | undefined;
  #closed = false;

  private constructor({ disk, audit, receivers, partitions, offLog }: StoreParts) {
    this.#disk = disk;
    this.#rows = new RowStore(disk.db);
    this.#audit = audit;
    this.#backups = new Backups(disk);
    this.receivers = receivers;
    this.#partitions = partitions;
    this.#offLog = offLog;
    this.#committer = new Committer({ disk, rows: this.#rows, audit, receivers });
  }

  /**
   * Opens the graph in a directory for exactly these partitions, and creates an empty graph if there is none.
   * First loads rows of followers into memory, up to `memoryBytes`: 2 CPU-seconds for 1,000,000 rows of 30.
   * @throws GraphError GRAPH_DIR_BUSY, GRAPH_DIR_FOREIGN, GRAPH_HALF_LOADED, GRAPH_OTHER_PARTITIONS or
   * GRAPH_DAMAGED
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
      const audit = await AuditLog.open(disk, keepChanges);
      const offLog = await offLogOperation(opened.db);
      const store = new GraphStore({ disk, audit, receivers, partitions, offLog });
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

  /**
   * Makes changes through change logs from now on, one for each owned partition. Applies first what the logs
   * hold and the directory lacks, and waits for the logs for as long as it takes. Call it before anything
   * else changes the graph.
   * @throws GraphError GRAPH_LOG_FOREIGN, GRAPH_LOG_REFUSED, GRAPH_LOG_UNREADABLE, GRAPH_OTHER_PARTITIONS,
   * GRAPH_DISK_FAILED; BrokerError NO_JETSTREAM, STREAM_REFUSED
   */
  async follow(logs: readonly PartitionLog[], log: Logger, signal?: AbortSignal): Promise<void> {
    this.#logged = await openChangeLogs({
      ...{ db: this.#disk.db, committer: this.#committer, partitions: this.#partitions, logs, log, signal },
      now: () => Date.now(),
    });
  }

  /**
   * Applies records that another service has appended to a partition's change log, in order; those that have
   * been applied are skipped. When this resolves they are on disk, and reads see them.
   * @throws GraphError GRAPH_LOG_FOREIGN if a record does not fit the rows, GRAPH_LOG_UNREADABLE,
   * GRAPH_DISK_FAILED, GRAPH_REOPENING
   */
  async applyLogged(partition: number, records: readonly LoggedRecord[]): Promise<void> {
    await this.#logged?.apply(partition, records);
  }

  /** The sequence of the last record of a partition's change log that was applied; 0 without a change log. */
  appliedIn(partition: number): number {
    return this.#logged?.placeOf(partition).sequence ?? 0;
  }

  /** Why changes of some partition wait for its change log; undefined if none do, or without change logs. */
  get logTrouble(): string | undefined {
    return this.#logged?.trouble;
  }

  /** The number of records that were to be appended to change logs, by result. */
  get appends(): Readonly<Record<"stored" | "behind" | "unknown", number>> {
    return this.#logged?.appends ?? { stored: 0, behind: 0, unknown: 0 };
  }

  /** The number of follows. */
  get follows(): number {
    return this.#rows.follows;
  }

  /** The number of changes that wait for the disk. */
  get waitingChanges(): number {
    return this.#queue.length;
  }

  /** The audit's counters. */
  get audit(): Pick<AuditLog, "last" | "length" | "trimmed" | "failedTrims"> {
    return this.#audit;
  }

  /**
   * Why changes are refused at present: a write failed, and no write has succeeded since. Otherwise
   * undefined.
   */
  get trouble(): DiskTrouble | undefined {
    return this.#disk.trouble;
  }

  /** The number of writes that failed since the start. */
  get failedWrites(): number {
    return this.#disk.failedWrites;
  }

  /**
   * Resolves when rows can be read. Undefined, except while the directory is reopened after a failed write.
   */
  get readable(): Promise<void> | undefined {
    return this.#disk.readable;
  }

  /**
   * Runs reads, which may last several turns of the event loop: the directory stays open until `work` has
   * settled.
   */
  async read<T>(work: () => T | Promise<T>): Promise<T> {
    while (this.#disk.readable !== undefined) await this.#disk.readable;
    const release = this.#disk.hold();
    try {
      return await work();
    } finally {
      release();
    }
  }

  /** Counts a topic's followers, including muted ones. */
  countFollowers(topic: Topic): number {
    return this.#rows.count(topic, followersKey, mutedKey);
  }

  countSubscriptions(user: UserId): number {
    return this.#rows.count(user, subscriptionsKey);
  }

  /**
   * Returns the ids of all users who receive a topic's events, ascending, in sets of bounded size. Each set
   * is valid until the next one is requested. `nameOf` returns the names.
   */
  followers(topic: Topic): Iterable<Uint32Array> {
    const id = this.#rows.idOf(topic);
    return id === undefined ? [] : this.receivers.of(id);
  }

  nameOf(id: number): string {
    return this.#rows.nameOf(id);
  }

  /** Returns the id of a name. Returns undefined if it has none, in which case no row can contain it. */
  idOf(name: string): number | undefined {
    return this.#rows.idOf(name);
  }

  /**
   * Returns the ids of all topics that a user follows, muted ones included, ascending, in sets of bounded
   * size. Takes one read, and one per chunk of a long row.
   */
  followedBy(user: number): Iterable<Uint32Array> {
    return readRowAsOfNow(this.#disk, subscriptionsKey(user));
  }

  /**
   * Returns whether a user receives the events of a followed topic, which may be muted. The row of muted
   * followers is usually absent, and never as long as a celebrity's row of receivers.
   */
  receives(user: number, topic: number): boolean {
    return this.receivers.has(topic, user) ?? !rowHas(this.#disk.db, mutedKey(topic), user);
  }

  /**
   * Sets the listener that is called for every change that ends a user's delivery of a topic: once it is on
   * disk and applies to the fan-out, and before the caller of `apply` is notified.
   */
  onEnded(listener: (user: UserId, topic: Topic) => void): void {
    this.#committer.onEnded = listener;
  }

  /**
   * Lists at most `limit` followers of a topic after `after`, including muted ones. A page is consistent; the
   * list may change between pages, and an entry that is present throughout a listing appears on exactly one
   * page.
   * @throws GraphError BAD_REQUEST for an `after` that this graph never returned
   */
  pageFollowers(topic: Topic, after: string | undefined, limit: number): Page {
    return this.#rows.page(after, limit, (rest) => unite(rest(followersKey, topic), rest(mutedKey, topic)));
  }

  /** Lists followers of a topic who receive no events. Pages as `pageFollowers` does. */
  pageMuted(topic: Topic, after: string | undefined, limit: number): Page {
    return this.#rows.page(after, limit, (rest) => rest(mutedKey, topic));
  }

  /** Lists users who cannot follow a topic. Pages as `pageFollowers` does. */
  pageBlocked(topic: Topic, after: string | undefined, limit: number): Page {
    return this.#rows.page(after, limit, (rest) => rest(blockedKey, topic));
  }

  /** Lists the topics that a user follows. Pages as `pageFollowers` does. */
  pageSubscriptions(user: UserId, after: string | undefined, limit: number): Page {
    return this.#rows.page(after, limit, (rest) => rest(subscriptionsKey, user));
  }

  /** Lists the topics that both users follow. Pages as `pageFollowers` does, and reads through both rows. */
  pageMutual(user: UserId, other: UserId, after: string | undefined, limit: number): Page {
    return this.#rows.page(after, limit, (rest) =>
      intersect(rest(subscriptionsKey, user), rest(subscriptionsKey, other)),
    );
  }

  /**
   * Lists changes in the order in which they were made, of one topic if given. `after` is a sequence number.
   * @throws GraphError BAD_REQUEST if it is beyond the last change
   */
  pageAudit(topic: Topic | undefined, after: number, limit: number): Promise<AuditPage> {
    const id = topic === undefined ? undefined : this.#rows.idOf(topic);
    // a name that was never used appears in no change, and no id is negative
    return this.#audit.page(after, limit, topic === undefined ? undefined : (id ?? -1));
  }

  /**
   * Applies changes in order, after all changes of earlier calls. Resolves with one outcome per change when
   * they are on disk. Users always follow themselves, and changes to that have no effect.
   * @throws GraphError GRAPH_OVERLOADED, and nothing is applied; GRAPH_DISK_FAILED or GRAPH_REOPENING while
   * the disk accepts no writes; with change logs also GRAPH_LOG_UNAVAILABLE and GRAPH_LOG_BEHIND: changes
   * that were already under way may or may not take effect, and all of them may be sent again
   */
  apply(changes: readonly Change[]): Promise<readonly Outcome[]> {
    return this.#queue.add(changes);
  }

  /** Returns a number greater than every number that it returned before, and stores it first. */
  async nextEpoch(): Promise<number> {
    const last = readNumber((key) => this.#disk.db.getSync(key), META.epoch);
    const epoch = Math.max(Date.now(), last + 1);
    await this.#disk.write([numberOperation(META.epoch, epoch)], { sync: true });
    return epoch;
  }

  /** The epoch of the history that belongs to this graph; 0 before there was one. */
  get historyEpoch(): number {
    return readNumber((key) => this.#disk.db.getSync(key), META.historyEpoch);
  }

  /** Notes the epoch of the history that belongs to this graph; on disk before this resolves. */
  async noteHistoryEpoch(epoch: number): Promise<void> {
    if (epoch !== this.historyEpoch)
      await this.#disk.write([numberOperation(META.historyEpoch, epoch)], { sync: true });
  }

  /** The streams that number the events, by partition; empty while the history numbers them itself. */
  get eventStreams(): EventStreams {
    const stored = this.#disk.db.getSync(META.eventStreams);
    return stored === undefined ? {} : (JSON.parse(new TextDecoder().decode(stored)) as EventStreams);
  }

  /** Stores which streams number the events; on disk before this resolves. */
  async noteEventStreams(streams: EventStreams): Promise<void> {
    const value = new TextEncoder().encode(JSON.stringify(streams));
    await this.#disk.write([{ type: "put", key: META.eventStreams, value }], { sync: true });
  }

  /**
   * Writes a backup of the graph's present state to a folder while changes and reads continue. One backup
   * runs at a time.
   * @throws GraphError BACKUP_FAILED, or GRAPH_OVERLOADED while another backup is being written
   */
  backup(folder: string): Promise<BackupReport> {
    return this.#backups.write(folder);
  }

  /** Waits for accepted changes, aborts a running backup, and releases the directory. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all([this.#backups.close(), this.#queue.close()]);
    await this.#logged?.close();
    await this.#audit.close();
    await this.#disk.close();
  }

  async #commit(lists: readonly (readonly Change[])[]): Promise<readonly CommitResult[]> {
    if (this.#logged !== undefined) return this.#logged.commit(lists);
    const transaction = this.#committer.begin();
    const outcomes = lists.map((changes) => changes.map((change) => transaction.apply(change)));
    const { changes } = transaction;
    if (changes.length > 0) {
      const more = this.#offLog === undefined ? [] : [this.#offLog];
      await this.#committer.write(transaction, [{ timeMs: Date.now(), changes }], more);
      this.#offLog = undefined;
    }
    return outcomes;
  }

  /** Reloads what is kept in memory. It is unknown whether the failed operations took effect. */
  async #readAgain(failed: readonly Operation[]): Promise<void> {
    this.#rows.readAgain();
    this.receivers.readAgain(failed);
    await this.#audit.readAgain();
    await this.#logged?.readAgain();
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
