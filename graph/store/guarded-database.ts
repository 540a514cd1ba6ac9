// Prevents writes to a LevelDB after a write has failed. LevelDB appends to its log after a record that it
// could write only in part (db/db_impl.cc, DBImpl::Write), but its recovery stops at that record
// (db/log_reader.cc), so writes that were acknowledged later would be lost at the next open. After a failed
// write this class therefore writes nothing more. The open handle continues to serve reads. Once a probe of
// PROBE_BYTES fits on the disk, the directory is reopened, which recovers the log and begins a new one (on a
// full disk, opening would fail). Only one write is under way at a time, so none can follow a failed one
// unnoticed. Owned by the store, which reloads what it keeps in memory.

import { setTimeout as delay } from "node:timers/promises";
import { Backoff } from "../../lib/backoff.ts";
import { messageOf, quote } from "../../lib/errors.ts";
import { GraphError } from "../errors.ts";
import {
  type Batch,
  causeOf,
  type Database,
  type OpenDatabase,
  type Operation,
  reopenDatabase,
  writeBatch,
} from "./database.ts";
import { probeDisk } from "./disk-probe.ts";

/**
 * The interval between probes: short after a failure, and long enough later not to burden a disk in trouble.
 */
const PROBE_AGAIN_MS = { min: 500, max: 5_000 };

/** Why nothing is written at present. */
export interface DiskTrouble {
  readonly code: "GRAPH_DISK_FAILED" | "GRAPH_REOPENING";
  /** The last error of the disk. */
  readonly reason: string;
}

/** What the owner of the database does when it is reopened. */
export interface GuardListener {
  /** Called before the directory is closed to be reopened, so that the owner can abort long reads. */
  beforeReopen(): void;
  /**
   * Called when the directory is open again, before anything else reads or writes it. `failed` are the
   * operations of failed writes: only now is it known whether recovery found them in the log.
   */
  afterReopen(failed: readonly Operation[]): Promise<void>;
  /** Called when writing becomes impossible, when the reason changes, and when writing is possible again. */
  onTrouble(trouble: DiskTrouble | undefined): void;
}

export class GuardedDatabase {
  /** Open, except while `readable` is pending. Use it for reads only; all writes go through `write`. */
  readonly db: Database;
  readonly #directory: string;
  readonly #close: () => Promise<void>;
  #listener: GuardListener | undefined;
  readonly #closing = new AbortController();
  #lastWrite: Promise<void> = Promise.resolve();
  #trouble: DiskTrouble | undefined;
  #failedOperations: Operation[] = [];
  #recovering: Promise<void> | undefined;
  #readable: Promise<void> | undefined;
  /** The number of reads under way that last longer than a turn of the event loop. */
  #holds = 0;
  #onLastRelease: (() => void) | undefined;
  /** The number of writes that failed since the start, without those refused afterwards. */
  failedWrites = 0;

  /** @param open is closed by `close` */
  constructor(open: OpenDatabase) {
    this.db = open.db;
    this.#directory = open.directory;
    this.#close = open.close;
  }

  /** Sets the listener, which is the owner of what is kept in memory. */
  listen(listener: GuardListener): void {
    this.#listener = listener;
  }

  /** Why nothing is written at present; undefined while writes are accepted. */
  get trouble(): DiskTrouble | undefined {
    return this.#trouble;
  }

  /** Resolves when the database can be read. Undefined, except while the directory is being reopened. */
  get readable(): Promise<void> | undefined {
    return this.#readable;
  }

  /**
   * Keeps the directory open for a read that lasts longer than a turn of the event loop. Returns the function
   * that ends the hold, which may be called more than once.
   */
  hold(): () => void {
    this.#holds += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#holds -= 1;
      if (this.#holds === 0) this.#onLastRelease?.();
    };
  }

  /**
   * Writes operations as one batch. With `sync`, they are on disk when the promise resolves.
   * @throws GraphError GRAPH_DISK_FAILED or GRAPH_REOPENING: the operations may or may not take effect, and a
   * retry is safe
   */
  write(operations: readonly Operation[], { sync }: { readonly sync: boolean }): Promise<void> {
    return this.#serialize(operations, () => writeBatch(this.db, operations, sync));
  }

  /**
   * Writes a batch that was filled beforehand, not synced.
   * @throws GraphError GRAPH_DISK_FAILED, GRAPH_REOPENING: nothing of it is promised
   */
  async writeFilled(batch: Batch): Promise<void> {
    try {
      await this.#serialize([], () => batch.write());
    } finally {
      await batch.close();
    }
  }

  /**
   * Deletes a range of keys, not synced.
   * @throws GraphError GRAPH_DISK_FAILED, GRAPH_REOPENING: part of the range may be deleted
   */
  clear(range: { readonly gte: string; readonly lte: string }): Promise<void> {
    return this.#serialize([], () => this.db.clear(range));
  }

  /** Frees the disk space of deleted keys. Does nothing while the disk rejects writes. */
  async compact(from: string, to: string): Promise<void> {
    if (this.#trouble !== undefined) return;
    const release = this.hold();
    try {
      await this.db.compactRange(from, to);
    } catch {
      // The disk, which the next write will report.
    } finally {
      release();
    }
  }

  /** Makes one change at a time, none after a failed one. */
  async #serialize(operations: readonly Operation[], change: () => Promise<void>): Promise<void> {
    const before = this.#lastWrite;
    let done = (): void => {};
    this.#lastWrite = new Promise((resolve) => {
      done = resolve;
    });
    await before;
    try {
      this.refuseInTrouble();
      await change();
    } catch (cause) {
      if (this.#trouble === undefined) this.#fail(cause, operations);
      this.refuseInTrouble(cause);
    } finally {
      done();
    }
  }

  /** @throws GraphError while nothing can be written */
  refuseInTrouble(cause?: unknown): void {
    if (this.#trouble !== undefined) throw refusal(this.#directory, this.#trouble, cause);
  }

  /** Waits for the write under way and closes the database. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#lastWrite;
    await this.#recovering;
    await this.#close();
  }

  #fail(cause: unknown, operations: readonly Operation[]): void {
    this.failedWrites += 1;
    this.#failedOperations.push(...operations);
    this.#setTrouble({ code: "GRAPH_DISK_FAILED", reason: causeOf(cause) });
    this.#recovering ??= this.#recover().finally(() => {
      this.#recovering = undefined;
    });
  }

  /**
   * Probes the disk until it accepts writes, then reopens the directory. Ends early when the store closes.
   */
  async #recover(): Promise<void> {
    const { signal } = this.#closing;
    const backoff = new Backoff(PROBE_AGAIN_MS.min, PROBE_AGAIN_MS.max);
    while (!signal.aborted) {
      await delay(backoff.nextMs(), undefined, { signal, ref: false }).catch(() => {}); // closing
      if (signal.aborted) return;
      try {
        await probeDisk(this.#directory);
      } catch (cause) {
        this.#setTrouble({ code: "GRAPH_DISK_FAILED", reason: messageOf(cause) });
        continue;
      }
      if (await this.#reopen()) return;
    }
  }

  /**
   * Returns false if the directory could not be opened: the database stays closed, and reads wait for the
   * next attempt.
   */
  async #reopen(): Promise<boolean> {
    this.#setTrouble({ code: "GRAPH_REOPENING", reason: this.#trouble?.reason ?? "" });
    let open = (): void => {};
    this.#readable ??= new Promise((resolve) => {
      open = resolve;
    });
    this.#listener?.beforeReopen();
    if (this.#holds > 0)
      await new Promise<void>((resolve) => {
        this.#onLastRelease = resolve;
      });
    this.#onLastRelease = undefined;
    try {
      await reopenDatabase(this.db, this.#directory);
      await this.#listener?.afterReopen(this.#failedOperations);
    } catch (cause) {
      this.#setTrouble({ code: "GRAPH_REOPENING", reason: causeOf(cause) });
      return false;
    }
    this.#failedOperations = [];
    this.#readable = undefined;
    this.#setTrouble(undefined);
    open();
    return true;
  }

  #setTrouble(trouble: DiskTrouble | undefined): void {
    const before = this.#trouble;
    this.#trouble = trouble;
    if (before?.code !== trouble?.code || before?.reason !== trouble?.reason)
      this.#listener?.onTrouble(trouble);
  }
}

function refusal(directory: string, { code, reason }: DiskTrouble, cause: unknown): GraphError {
  const remedy =
    code === "GRAPH_DISK_FAILED"
      ? "free space on that disk; changes are then accepted again automatically"
      : "the directory is being reopened; try again in a moment";
  return new GraphError(code, `${quote(directory)} accepts no changes (${reason}): ${remedy}`, { cause });
}
