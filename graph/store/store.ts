// The friend graph on disk: who follows a topic and what a user follows, one row each way, in LevelDB. One writer
// takes what is waiting, applies it in order, writes it as one synced batch and only then acknowledges it (group
// commit), so changes are serialised without locks. Readers see what was committed last. Owned by one process.

import type { Topic, UserId } from "../../broker/contract.ts";
import { messageOf, quote } from "../../lib/errors.ts";
import { GraphError } from "../errors.ts";
import { Partitions } from "../partitions.ts";
import { type Database, numberOperation, openDatabase, readNumber } from "./database.ts";
import { keepPartitions } from "./kept-partitions.ts";
import { followersKey, META, subscriptionsKey } from "./keys.ts";
import { Names } from "./names.ts";
import { RowEditor } from "./row-editor.ts";
import { countRow, type Read, readRow } from "./row-reader.ts";

/** Changes that may wait for the disk; more are refused, their senders may try again. */
const MAX_WAITING_CHANGES = 100_000;
/** Changes written as one batch. */
const MAX_COMMIT_CHANGES = 10_000;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export interface Change {
  readonly kind: "subscribe" | "unsubscribe";
  readonly subscriber: UserId;
  readonly topic: Topic;
}

/** One page of a row, as names. */
export interface Page {
  readonly names: readonly string[];
  /** Where more follow: hand it back as `after`. */
  readonly next: string | undefined;
}

interface Waiting {
  readonly changes: readonly Change[];
  readonly resolve: (changed: readonly boolean[]) => void;
  readonly reject: (error: unknown) => void;
}

export class GraphStore {
  readonly #db: Database;
  readonly #names: Names;
  readonly #release: () => void;
  readonly #read: Read;
  #waiting: Waiting[] = [];
  #waitingChanges = 0;
  #writing: Promise<void> | undefined;
  #edges: number;
  #closed = false;

  private constructor(db: Database, release: () => void) {
    this.#db = db;
    this.#release = release;
    this.#read = (key) => db.getSync(key);
    this.#names = new Names(this.#read);
    this.#edges = readNumber(this.#read, META.edges);
  }

  /**
   * Opens a directory, an empty graph where it does not exist, for these partitions and no others.
   * @throws GraphError GRAPH_DIR_BUSY, GRAPH_DIR_FOREIGN, GRAPH_HALF_LOADED, GRAPH_OTHER_PARTITIONS or GRAPH_DAMAGED
   */
  static async open(directory: string, partitions: Partitions = Partitions.whole): Promise<GraphStore> {
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
      return new GraphStore(db, release);
    } catch (error) {
      await db.close();
      release();
      throw error;
    }
  }

  /** Follow relations in all. */
  get edges(): number {
    return this.#edges;
  }

  /** Changes that wait for the disk. */
  get waitingChanges(): number {
    return this.#waitingChanges;
  }

  countFollowers(topic: Topic): number {
    return this.#countRow(followersKey, topic);
  }

  countSubscriptions(user: UserId): number {
    return this.#countRow(subscriptionsKey, user);
  }

  /** Ids of everyone who follows a topic, ascending, in bounded sets; `nameOf` turns them into names. */
  followers(topic: Topic): Iterable<Uint32Array> {
    const id = this.#names.idOf(topic);
    return id === undefined ? [] : readRow(this.#read, followersKey(id));
  }

  nameOf(id: number): string {
    return this.#names.nameOf(id);
  }

  /** Who follows a topic: at most `limit`, behind `after`. */
  pageFollowers(topic: Topic, after: string | undefined, limit: number): Page {
    return this.#page(followersKey, topic, after, limit);
  }

  /** What a user follows, likewise. */
  pageSubscriptions(user: UserId, after: string | undefined, limit: number): Page {
    return this.#page(subscriptionsKey, user, after, limit);
  }

  /**
   * Applies changes in order, after those that were handed in before. Resolves when they are on disk, with one
   * "it made a difference" a change. Following oneself is always the case and makes none.
   * @throws GraphError GRAPH_OVERLOADED, and nothing is applied
   */
  async apply(changes: readonly Change[]): Promise<readonly boolean[]> {
    if (this.#closed)
      throw new GraphError("GRAPH_DIR_BUSY", "the graph is closing: try again when it is back");
    if (this.#waitingChanges + changes.length > MAX_WAITING_CHANGES) {
      throw new GraphError(
        "GRAPH_OVERLOADED",
        `${this.#waitingChanges} changes wait for the disk, at most ${MAX_WAITING_CHANGES} may: try again in a moment`,
      );
    }
    this.#waitingChanges += changes.length;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ changes, resolve, reject });
      this.#writing ??= this.#write().finally(() => {
        this.#writing = undefined;
      });
    });
  }

  /** A number greater than every one it answered before, on disk before it is answered. */
  async nextEpoch(): Promise<number> {
    const epoch = Math.max(Date.now(), readNumber(this.#read, META.epoch) + 1);
    await this.#db.put(META.epoch, encoder.encode(String(epoch)), { sync: true });
    return epoch;
  }

  /** Waits for what was handed in, then gives the directory back. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#writing;
    await this.#db.close();
    this.#release();
  }

  #countRow(key: (id: number) => string, name: Topic): number {
    const id = this.#names.idOf(name);
    return id === undefined ? 0 : countRow(this.#read, key(id));
  }

  #page(key: (id: number) => string, name: Topic, after: string | undefined, limit: number): Page {
    const id = this.#names.idOf(name);
    const names: string[] = [];
    if (id === undefined) return { names, next: undefined };
    const afterId = after === undefined ? undefined : this.#names.idOf(after);
    for (const ids of readRow(this.#read, key(id), afterId)) {
      for (const found of ids) {
        if (names.length === limit) return { names, next: names[limit - 1] };
        names.push(this.#names.nameOf(found));
      }
    }
    return { names, next: undefined };
  }

  async #write(): Promise<void> {
    await Promise.resolve(); // whoever else calls in this turn joins the same commit
    while (this.#waiting.length > 0) {
      const taken = this.#take();
      try {
        const results = await this.#commit(taken);
        for (const [index, { resolve }] of taken.entries()) resolve(results[index] ?? []);
      } catch (cause) {
        const error = new GraphError(
          "GRAPH_DAMAGED",
          `the graph could not be written (${messageOf(cause)}): check the disk`,
          {
            cause,
          },
        );
        for (const { reject } of taken) reject(error);
      }
    }
  }

  #take(): Waiting[] {
    let changes = 0;
    let count = 0;
    while (count < this.#waiting.length && changes < MAX_COMMIT_CHANGES) {
      changes += this.#waiting[count]?.changes.length ?? 0;
      count += 1;
    }
    this.#waitingChanges -= changes;
    return this.#waiting.splice(0, count);
  }

  async #commit(taken: readonly Waiting[]): Promise<boolean[][]> {
    const rows = new Map<string, RowEditor>();
    const editorOf = (key: string): RowEditor => {
      const editor = rows.get(key) ?? new RowEditor(key, this.#read);
      rows.set(key, editor);
      return editor;
    };
    const names = this.#names.batch();
    let edges = this.#edges;
    const results = taken.map(({ changes }) =>
      changes.map(({ kind, subscriber, topic }) => {
        if (subscriber === topic) return false;
        const adds = kind === "subscribe";
        const user = adds ? names.intern(subscriber) : names.idOf(subscriber);
        const subject = adds ? names.intern(topic) : names.idOf(topic);
        if (user === undefined || subject === undefined) return false; // a name never seen follows nothing
        const apply = adds ? "add" : "remove";
        if (!editorOf(followersKey(subject))[apply](user)) return false;
        editorOf(subscriptionsKey(user))[apply](subject);
        edges += adds ? 1 : -1;
        return true;
      }),
    );
    const operations = [...rows.values()].flatMap((row) => row.operations());
    if (operations.length > 0) {
      operations.push(...names.operations(), numberOperation(META.edges, edges));
      await this.#db.batch(operations, { sync: true });
      this.#names.settle(names);
      this.#edges = edges;
    }
    return results;
  }
}
