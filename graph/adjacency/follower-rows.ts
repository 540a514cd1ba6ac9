// The rows of followers as the fan-out reads them: from memory if the row is held there, otherwise from disk.
// The disk is the authority; memory is filled by a scan at the start and updated with every commit. Long
// rows, such as a celebrity's, stay on disk and are read chunk by chunk from a snapshot. Owned by the store.

import type { Operation } from "../store/database.ts";
import type { GuardedDatabase } from "../store/guarded-database.ts";
import { lowerBound } from "../store/ids.ts";
import { FOLLOWERS, followersKey, topicOfFollowersKey } from "../store/keys.ts";
import { isInline, MAX_CHUNK_IDS } from "../store/row.ts";
import { readRowAsOfNow } from "../store/row-reader.ts";
import { RowMemory } from "./row-memory.ts";

/** The number of rows loaded per turn of the event loop: about two milliseconds. */
const ROWS_PER_TURN = 1_000;
const NO_ROWS: readonly Uint32Array[] = [];

export class FollowerRows {
  readonly #disk: GuardedDatabase;
  readonly #memory: RowMemory;
  readonly #scratch = new Uint32Array(MAX_CHUNK_IDS);
  /** Topics whose rows are chunked on disk. */
  readonly #long = new Set<number>();
  #scanned = false;
  /** Whether some row did not fit, so that a row missing in memory may exist on disk. */
  #full = false;
  /** The number of look-ups by where the row was found. */
  readonly lookups: { memory: number; disk: number } = { memory: 0, disk: 0 };

  /** @param maxBytes the maximum memory for rows; 0 leaves all of them on disk */
  constructor(disk: GuardedDatabase, maxBytes: number) {
    this.#disk = disk;
    this.#memory = new RowMemory(maxBytes);
    this.#full = maxBytes === 0;
  }

  /** The number of rows in memory. */
  get rows(): number {
    return this.#memory.size;
  }

  /** Bytes of memory used. */
  get bytes(): number {
    return this.#memory.bytes;
  }

  /** Whether some row did not fit. Rows that are not in memory are then looked up on disk. */
  get full(): boolean {
    return this.#full;
  }

  /** Whether every short row is in memory, so that a missing row has no followers. */
  get complete(): boolean {
    return this.#scanned && !this.#full;
  }

  /**
   * Returns the ids of all users who receive a topic's events, ascending and consistent, in sets of at most
   * MAX_CHUNK_IDS. A set is valid until the next one is requested. For 30 followers takes about 1 µs from
   * memory and 5 µs from disk.
   * @throws GraphError GRAPH_DAMAGED
   */
  of(topic: number): Iterable<Uint32Array> {
    const count = this.#memory.read(topic, this.#scratch);
    if (count !== undefined) {
      this.lookups.memory += 1;
      return [this.#scratch.subarray(0, count)];
    }
    if (this.complete && !this.#long.has(topic)) {
      this.lookups.memory += 1;
      return NO_ROWS;
    }
    this.lookups.disk += 1;
    return readRowAsOfNow(this.#disk, followersKey(topic));
  }

  /**
   * Returns whether a user receives a topic's events, or undefined if the topic's row is not held in memory.
   * Decodes the row.
   */
  has(topic: number, user: number): boolean | undefined {
    const count = this.#memory.read(topic, this.#scratch);
    if (count === undefined) return this.complete && !this.#long.has(topic) ? false : undefined;
    const ids = this.#scratch.subarray(0, count);
    return ids[lowerBound(ids, user)] === user;
  }

  /** Applies the operations of a commit once they are on disk. */
  follow(committed: readonly Operation[]): void {
    for (const operation of committed) {
      const topic = topicOfFollowersKey(operation.key);
      if (topic === undefined) continue;
      if (operation.type === "put") this.#set(topic, operation.value);
      else {
        this.#memory.delete(topic);
        this.#long.delete(topic);
      }
    }
  }

  /** Reloads the rows of operations of which it is unknown whether they took effect. */
  readAgain(uncertain: readonly Operation[]): void {
    const { db } = this.#disk;
    this.follow(
      uncertain.map(({ key }): Operation => {
        const value = db.getSync(key);
        return value === undefined ? { type: "del", key } : { type: "put", key, value };
      }),
    );
  }

  /**
   * Fills the memory before anything is committed. Takes about 2 CPU-seconds for 1,000,000 rows of 30, and
   * stops when the memory is full. Rejects with LevelDB's error.
   */
  async load(): Promise<void> {
    const scan = this.#disk.db.iterator({ ...FOLLOWERS });
    try {
      while (!this.#full && !this.#scanned) {
        const entries = await scan.nextv(ROWS_PER_TURN);
        this.#scanned = entries.length === 0;
        for (const [key, row] of entries) {
          const topic = topicOfFollowersKey(key);
          if (topic !== undefined) this.#set(topic, row);
        }
      }
    } finally {
      await scan.close();
    }
  }

  #set(topic: number, row: Uint8Array): void {
    if (isInline(row)) {
      this.#long.delete(topic);
      if (!this.#memory.set(topic, row.subarray(1))) this.#full = true;
    } else {
      this.#memory.delete(topic);
      this.#long.add(topic);
    }
  }
}
