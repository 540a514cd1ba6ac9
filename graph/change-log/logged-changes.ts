// Makes changes through change logs, one per partition. A commit is decided on the rows, its effects are
// appended to the logs of their partitions, and then it is written to the rows together with the place of
// each record; only then are callers notified. If it is unknown whether a log stored a record, or another
// service has appended one, the partition accepts no changes until everything that the log holds has been
// applied. Owned by the store; one commit or application is under way at a time.

import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { Backoff } from "../../lib/backoff.ts";
import { messageOf } from "../../lib/errors.ts";
import { GraphError } from "../errors.ts";
import type { Partitions } from "../partitions.ts";
import type { Change, RecordedChange } from "../store/changes.ts";
import type { CommitResult } from "../store/commit-queue.ts";
import type { Committer } from "../store/committer.ts";
import type { Operation } from "../store/database.ts";
import type { Transaction } from "../store/transaction.ts";
import { type AppliedPlace, placeOperation } from "./applied.ts";
import { Decisions, type Group, type StoredGroup } from "./decisions.ts";
import { divideChanges } from "./divide-changes.ts";
import { applyChanges, applyRecords, nextPlace } from "./log-applier.ts";
import { type LoggedRecord, type PartitionLog, unavailable } from "./partition-log.ts";
import { encodeRecord, type LogEntry, type NamedChange, recordId } from "./record.ts";

const AGAIN_MS = { min: 50, max: 2_000 };
const WRITER_BYTES = 8;

export interface LoggedChangesOptions {
  readonly committer: Committer;
  readonly partitions: Partitions;
  readonly logs: readonly PartitionLog[];
  /** What the directory has applied, for every log. */
  readonly places: ReadonlyMap<number, AppliedPlace>;
  /** Reads these places again from disk. */
  readonly readPlaces: () => Promise<ReadonlyMap<number, AppliedPlace>>;
  /** Returns the present time, in milliseconds since 1970. */
  readonly now: () => number;
}

/** A partition with its log. */
interface LoggedPartition {
  readonly log: PartitionLog;
  place: AppliedPlace;
  /** Why no changes are accepted until what the log holds has been applied; undefined if they are. */
  trouble: string | undefined;
  settling: Promise<void> | undefined;
}

/** A part of a group that a log has stored. */
interface StoredPart {
  /** The record's id. */
  readonly id: string;
  readonly changes: readonly NamedChange[];
  readonly recorded: readonly RecordedChange[];
}

interface AppendedGroup extends StoredGroup {
  readonly parts: readonly StoredPart[];
}

export class LoggedChanges {
  readonly #options: LoggedChangesOptions;
  readonly #partitions: ReadonlyMap<number, LoggedPartition>;
  readonly #writer = randomBytes(WRITER_BYTES).toString("hex");
  #number = 0;
  #last: Promise<unknown> = Promise.resolve();
  readonly #closing = new AbortController();
  /** Counts records by what became of them. */
  readonly appends: { stored: number; behind: number; unknown: number } = {
    stored: 0,
    behind: 0,
    unknown: 0,
  };

  constructor(options: LoggedChangesOptions) {
    this.#options = options;
    this.#partitions = new Map(
      options.logs.map((log): [number, LoggedPartition] => {
        const place = options.places.get(log.partition);
        if (place === undefined) throw new Error(`no place in ${log.name}`);
        return [log.partition, { log, place, trouble: undefined, settling: undefined }];
      }),
    );
  }

  /** Why some partition accepts no changes at present; undefined if all do. */
  get trouble(): string | undefined {
    for (const { trouble } of this.#partitions.values()) if (trouble !== undefined) return trouble;
    return undefined;
  }

  /** Returns the place that a partition's rows have reached in its log. */
  placeOf(partition: number): AppliedPlace {
    return this.#of(partition).place;
  }

  /** Returns an id for the next record that this service writes. */
  nextId(): string {
    this.#number = (this.#number + 1) >>> 0;
    return recordId(this.#writer, this.#number);
  }

  /**
   * Makes changes. Returns one result per list, in order. A list with a result of outcomes is in the logs of
   * all its partitions and on disk. An error is GRAPH_LOG_UNAVAILABLE or GRAPH_LOG_BEHIND: some changes of
   * the list may take effect, now or later, and all may be sent again.
   * @throws GraphError GRAPH_DISK_FAILED, GRAPH_REOPENING: changes may take effect, now or later
   */
  commit(lists: readonly (readonly Change[])[]): Promise<CommitResult[]> {
    return this.#alone(async () => {
      const { committer } = this.#options;
      let transaction = committer.begin();
      const decisions = new Decisions({
        transaction,
        partitionOf: (topic) => this.#options.partitions.partitionOf(topic),
        refusalOf: (partition) => this.#refusalOf(partition),
      });
      for (const changes of lists) decisions.decide(changes);
      const timeMs = this.#options.now();
      const groups = await Promise.all(decisions.groups.map((group) => this.#append(group, timeMs)));
      for (const { partition, error } of groups)
        if (error !== undefined) this.#settle(this.#of(partition), error.message);
      // what a log has not stored was never decided
      if (groups.some(({ error }) => error !== undefined)) transaction = committer.begin();
      if (groups.some(({ stored }) => stored > 0)) await this.#write(transaction, groups, timeMs);
      return decisions.results(groups);
    });
  }

  /**
   * Applies records of a partition's log that another service has written, in order; those that have been
   * applied are skipped. When this resolves they are on disk, and reads see them.
   * @throws GraphError as `applyRecords`
   */
  apply(partition: number, records: readonly LoggedRecord[]): Promise<void> {
    const logged = this.#of(partition);
    return this.#alone(() =>
      applyRecords(this.#options.committer, {
        ...{ place: logged.place, records },
        onApplied: (place) => {
          logged.place = place;
        },
      }),
    );
  }

  /**
   * Applies everything that a partition's log holds at the time of the call.
   * @throws GraphError GRAPH_LOG_UNAVAILABLE, and as `apply`
   */
  async catchUp(partition: number): Promise<void> {
    const { log, place } = this.#of(partition);
    const state = await log.find();
    if (state === undefined) throw unavailable(log.name, "it does not exist");
    if (state.createdMs !== place.createdMs || state.last < place.sequence)
      throw unavailable(log.name, "it was replaced: restart the service, which says what to do");
    for await (const records of log.read(place.sequence, state.last)) await this.apply(partition, records);
  }

  /**
   * Appends a record that changes no rows, and applies it.
   * @throws GraphError GRAPH_LOG_BEHIND if the log holds more than was applied; GRAPH_LOG_UNAVAILABLE: it may
   * be stored, so catch up before the next attempt
   */
  async append(partition: number, entry: LogEntry, id: string = this.nextId()): Promise<void> {
    const logged = this.#of(partition);
    const record = encodeRecord({ id, timeMs: this.#options.now(), entry });
    await this.#alone(async () => {
      const appended = await logged.log.append(record, id, logged.place.sequence);
      if (appended.outcome === "behind") throw behind(logged);
      if (appended.outcome === "unknown") throw unavailable(logged.log.name, appended.reason);
      await applyRecords(this.#options.committer, {
        place: logged.place,
        records: [{ sequence: logged.place.sequence + 1, data: record }],
        onApplied: (place) => {
          logged.place = place;
        },
      });
    });
  }

  /**
   * Stores places, before the layout records that they expect are appended.
   * @throws GraphError GRAPH_DISK_FAILED, GRAPH_REOPENING
   */
  async storePlaces(places: readonly AppliedPlace[], more: readonly Operation[] = []): Promise<void> {
    await this.#alone(async () => {
      const { committer } = this.#options;
      await committer.write(committer.begin(), [], [...places.map(placeOperation), ...more]);
      for (const place of places) this.#of(place.partition).place = place;
    });
  }

  /**
   * Reads the places again after the directory was reopened. The failed write may have been the rows' part of
   * records that their logs have stored.
   */
  async readAgain(): Promise<void> {
    const places = await this.#options.readPlaces();
    for (const logged of this.#partitions.values()) {
      logged.place = places.get(logged.log.partition) ?? logged.place;
      this.#settle(logged, "the directory was reopened after a failed write");
    }
  }

  /** Waits for the commit or application under way. Nothing is written afterwards. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#last;
  }

  #refusalOf(partition: number): GraphError | undefined {
    const { trouble, log } = this.#of(partition);
    return trouble === undefined ? undefined : unavailable(log.name, trouble);
  }

  /** Appends a group's changes, one record at a time. */
  async #append({ partition, changes, recorded }: Group, timeMs: number): Promise<AppendedGroup> {
    const logged = this.#of(partition);
    const { log, place } = logged;
    const parts: StoredPart[] = [];
    let stored = 0;
    for (const some of divideChanges(changes, log.maxRecordBytes)) {
      const id = this.nextId();
      const record = encodeRecord({ id, timeMs, entry: { kind: "changes", changes: some } });
      const appended = await log.append(record, id, place.sequence + parts.length);
      this.appends[appended.outcome] += 1;
      if (appended.outcome !== "stored") {
        const error = appended.outcome === "behind" ? behind(logged) : unavailable(log.name, appended.reason);
        return { partition, parts, stored, error };
      }
      parts.push({ id, changes: some, recorded: recorded.slice(stored, stored + some.length) });
      stored += some.length;
    }
    return { partition, parts, stored, error: undefined };
  }

  /** Writes the stored records to the rows. They are in the transaction already unless it is a new one. */
  async #write(transaction: Transaction, groups: readonly AppendedGroup[], timeMs: number): Promise<void> {
    const isDecided = transaction.changes.length > 0;
    const places = new Map<LoggedPartition, AppliedPlace>();
    const audited = groups.flatMap(({ partition, parts }) =>
      parts.map(({ id, changes, recorded }) => {
        const logged = this.#of(partition);
        const place = places.get(logged) ?? logged.place;
        places.set(logged, nextPlace(place, { id }));
        if (isDecided) return { timeMs, changes: recorded };
        return applyChanges(transaction, changes, timeMs, place);
      }),
    );
    try {
      await this.#options.committer.write(transaction, audited, [...places.values()].map(placeOperation));
    } catch (error) {
      for (const partition of places.keys()) this.#settle(partition, messageOf(error));
      throw error;
    }
    for (const [partition, place] of places) partition.place = place;
  }

  /** Refuses changes of a partition until everything that its log holds has been applied. */
  #settle(partition: LoggedPartition, trouble: string): void {
    partition.trouble = trouble;
    if (this.#closing.signal.aborted) return;
    partition.settling ??= this.#settleUntilDone(partition).finally(() => {
      partition.settling = undefined;
    });
  }

  async #settleUntilDone(partition: LoggedPartition): Promise<void> {
    const { signal } = this.#closing;
    const backoff = new Backoff(AGAIN_MS.min, AGAIN_MS.max);
    while (!signal.aborted) {
      await delay(backoff.nextMs(), undefined, { signal, ref: false }).catch(() => {}); // closing
      if (signal.aborted) return;
      try {
        await this.catchUp(partition.log.partition);
        partition.trouble = undefined; // a record that is stored only now makes the next append fail
        return;
      } catch (error) {
        partition.trouble = messageOf(error);
      }
    }
  }

  #of(partition: number): LoggedPartition {
    const logged = this.#partitions.get(partition);
    if (logged !== undefined) return logged;
    throw new GraphError("BAD_REQUEST", `partition ${partition} is not served here`);
  }

  /** Runs one piece of work after all earlier ones. */
  async #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(() => {
      if (this.#closing.signal.aborted) throw new GraphError("GRAPH_DIR_BUSY", "the graph is closing");
      return work();
    });
    this.#last = result.catch(() => {}); // reported to the caller
    return result;
  }
}

function behind({ log }: LoggedPartition): GraphError {
  return new GraphError(
    "GRAPH_LOG_BEHIND",
    `the change log ${log.name} holds a record that this service has not applied, so the change was not made: try again in a moment`,
  );
}
