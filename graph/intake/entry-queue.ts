// Entries of the streams on their way to the history. An entry waits a few milliseconds for its core copy,
// which brings the subject for the reply; entries of its partition that arrive meanwhile wait behind it, so
// they are stored in the order of the stream. Owned by the stream intake; bounded by what the streams send
// within those milliseconds.

import type { LogEntry } from "./event-log.ts";
import type { CoreCopy } from "./twins.ts";

/** How long an entry waits: one copy in a thousand arrives after its entry, mostly by less than this. */
const COPY_WITHIN_MS = 5;

export interface QueuedEntry {
  readonly entry: LogEntry;
  /** What the entry has in common with its core copy; undefined for an entry that has none. */
  readonly key: string | undefined;
  copy: CoreCopy | undefined;
}

interface Waiting extends QueuedEntry {
  /** By the monotonic clock. */
  readonly dueMs: number;
}

export class EntryQueue {
  readonly #store: (queued: QueuedEntry) => void;
  readonly #onStored: () => void;
  readonly #queues: ReadonlyMap<number, Waiting[]>;
  /** The newest entry without a core copy for each key. */
  readonly #single = new Map<string, Waiting>();
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param store stores an entry; called in the order of each stream
   * @param onStored called after entries were stored
   */
  constructor(partitions: readonly number[], store: (queued: QueuedEntry) => void, onStored: () => void) {
    this.#queues = new Map(partitions.map((partition) => [partition, []]));
    this.#store = store;
    this.#onStored = onStored;
  }

  /** Adds an entry, and stores it as soon as those before it are stored and its copy is there. */
  add(queued: QueuedEntry): void {
    const { entry, key, copy } = queued;
    const waiting = { ...queued, dueMs: performance.now() + COPY_WITHIN_MS };
    if (copy === undefined && key !== undefined) this.#single.set(key, waiting);
    (this.#queues.get(entry.partition) as Waiting[]).push(waiting);
    this.#drain(entry.partition, performance.now());
  }

  /** Gives a core copy to the entry that waits for it. Returns whether there is one. */
  match(copy: CoreCopy): boolean {
    const waiting = this.#single.get(copy.key);
    if (waiting === undefined) return false;
    waiting.copy = copy;
    this.#single.delete(copy.key);
    this.#drain(copy.partition, performance.now());
    return true;
  }

  /** Stores the entries of a partition without waiting for their copies. */
  release(partition: number): void {
    this.#drain(partition, Number.POSITIVE_INFINITY);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Stores the entries of a partition in order, up to the first that still waits for its copy. */
  #drain(partition: number, nowMs: number): void {
    const queue = this.#queues.get(partition) as Waiting[];
    let done = 0;
    for (const waiting of queue) {
      const { key, copy, dueMs } = waiting;
      if (copy === undefined && key !== undefined && dueMs > nowMs) break;
      done += 1;
      if (key !== undefined && this.#single.get(key) === waiting) this.#single.delete(key);
      this.#store(waiting);
    }
    queue.splice(0, done);
    if (done > 0) this.#onStored();
    const [next] = queue;
    if (next === undefined) return;
    this.#timer ??= setTimeout(() => this.#drainAll(), next.dueMs - nowMs);
  }

  #drainAll(): void {
    this.#timer = undefined;
    for (const [partition, queue] of this.#queues)
      if (queue.length > 0) this.#drain(partition, performance.now());
  }
}
