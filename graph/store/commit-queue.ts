// The queue of changes that wait for the disk. A single writer takes what is queued, commits it as one batch,
// and then takes what arrived in the meantime (group commit), so changes are serialized without locks. Owned
// by the store. The queue is bounded; a list of changes that does not fit is refused as a whole and may be
// sent again.

import { messageOf } from "../../lib/errors.ts";
import { GraphError } from "../errors.ts";
import type { Change, Outcome } from "./changes.ts";

/** The maximum number of changes in the queue. */
const MAX_WAITING_CHANGES = 100_000;
/** The maximum number of changes in one batch. */
const MAX_COMMIT_CHANGES = 10_000;

/** The outcomes of a list of changes, which are on disk; or why none of them is promised. */
export type CommitResult = readonly Outcome[] | GraphError;
/** Applies lists of changes in order. Resolves with one result per list. */
type Commit = (lists: readonly (readonly Change[])[]) => Promise<readonly CommitResult[]>;

interface QueuedChanges {
  readonly changes: readonly Change[];
  readonly resolve: (outcomes: readonly Outcome[]) => void;
  readonly reject: (error: unknown) => void;
}

export class CommitQueue {
  readonly #commit: Commit;
  #waiting: QueuedChanges[] = [];
  #waitingChanges = 0;
  #writing: Promise<void> | undefined;
  #closed = false;

  constructor(commit: Commit) {
    this.#commit = commit;
  }

  /** The number of changes that wait for the disk. */
  get length(): number {
    return this.#waitingChanges;
  }

  /**
   * Appends changes to the queue. Resolves with one outcome per change when they are on disk.
   * @throws GraphError GRAPH_OVERLOADED, and nothing is applied; GRAPH_DISK_FAILED or GRAPH_REOPENING while
   * the disk accepts no writes; the errors of `commit`; GRAPH_DAMAGED if a row cannot be read
   */
  async add(changes: readonly Change[]): Promise<readonly Outcome[]> {
    if (this.#closed)
      throw new GraphError("GRAPH_DIR_BUSY", "the graph is closing: try again when it is running");
    if (this.#waitingChanges + changes.length > MAX_WAITING_CHANGES) {
      throw new GraphError(
        "GRAPH_OVERLOADED",
        `${this.#waitingChanges} changes wait for the disk and the maximum is ${MAX_WAITING_CHANGES}: try again in a moment`,
      );
    }
    this.#waitingChanges += changes.length;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ changes, resolve, reject });
      this.#start();
    });
  }

  /** Accepts no more changes and waits for those in the queue. */
  async close(): Promise<void> {
    this.#closed = true;
    while (this.#writing !== undefined) await this.#writing;
  }

  #start(): void {
    if (this.#waiting.length === 0) return;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
      this.#start(); // changes may have been added after the writer found none waiting
    });
  }

  async #write(): Promise<void> {
    await Promise.resolve(); // other calls in this turn join the same commit
    while (this.#waiting.length > 0) {
      const taken = this.#take();
      try {
        const results = await this.#commit(taken.map(({ changes }) => changes));
        for (const [index, { resolve, reject }] of taken.entries()) {
          const result = results[index] ?? [];
          if (result instanceof GraphError) reject(result);
          else resolve(result);
        }
      } catch (cause) {
        for (const { reject } of taken) reject(asGraphError(cause));
      }
    }
  }

  #take(): QueuedChanges[] {
    let changes = 0;
    let count = 0;
    while (count < this.#waiting.length && changes < MAX_COMMIT_CHANGES) {
      changes += this.#waiting[count]?.changes.length ?? 0;
      count += 1;
    }
    this.#waitingChanges -= changes;
    return this.#waiting.splice(0, count);
  }
}

function asGraphError(cause: unknown): GraphError {
  if (cause instanceof GraphError) return cause;
  return new GraphError(
    "GRAPH_DAMAGED",
    `the graph could not be changed (${messageOf(cause)}): see the graph service's log`,
    { cause },
  );
}
