// Guards a LevelDB against the writes that follow a failed one. LevelDB appends to its log after a record that it could
// write only in part (db/db_impl.cc, DBImpl::Write), and its recovery stops at that record (db/log_reader.cc): what was
// written and acknowledged later is gone at the next open. So after any failed write nothing more is written. The open
// handle goes on serving reads; once a probe of PROBE_BYTES fits on the disk the directory is opened again, which recovers
// the log and begins a new one. (On a disk that is still full the opening itself fails.) Owned by the store, which reads
// again what it keeps in memory. One write is under way at a time, so that none can follow a failed one unnoticed.

import { setTimeout as delay } from "node:timers/promises";
import { Backoff } from "../../lib/backoff.ts";
import { messageOf, quote } from "../../lib/errors.ts";
import { GraphError } from "../errors.ts";
import {
  causeOf,
  type Database,
  type OpenDatabase,
  type Operation,
  reopenDatabase,
  writeBatch,
} from "./database.ts";
import { probeDisk } from "./disk-probe.ts";

/** How often the disk is probed: soon after space has returned, rarely enough for a disk that is in trouble. */
const PROBE_AGAIN_MS = { min: 500, max: 5_000 };

/** Why nothing is written at this moment. */
export interface DiskTrouble {
  readonly code: "GRAPH_DISK_FAILED" | "GRAPH_REOPENING";
  /** What the disk said last. */
  readonly reason: string;
}

/** What the owner of the database does around an opening. */
export interface GuardListener {
  /** Called before the directory is closed to be opened again: reads that last long may be ended. */
  beforeReopen(): void;
  /**
   * Called once the directory is open again, before anything else reads or writes it. `failed` are the operations that
   * were refused: whether recovery has found them in the log is known only now.
   */
  afterReopen(failed: readonly Operation[]): Promise<void>;
  /** Called when writing becomes impossible, when the reason changes, and when it is possible again. */
  onTrouble(trouble: DiskTrouble | undefined): void;
}

export class GuardedDatabase {
  /** Open, except while `readable` is pending. For reads; what is written goes through `write`. */
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
  /** Reads under way that last longer than a turn of the event loop. */
  #holds = 0;
  #onLastRelease: (() => void) | undefined;
  /** Writes that failed since the start; those refused afterwards are not counted. */
  failedWrites = 0;

  /** @param open closed by `close` */
  constructor(open: OpenDatabase) {
    this.db = open.db;
    this.#directory = open.directory;
    this.#close = open.close;
  }

  /** Sets what is called around an opening. One listener: the owner of what is kept in memory. */
  listen(listener: GuardListener): void {
    this.#listener = listener;
  }

  /** Why nothing is written at this moment; undefined while writes are taken. */
  get trouble(): DiskTrouble | undefined {
    return this.#trouble;
  }

  /** Resolves when the database may be read: pending only while the directory is being opened again. */
  get readable(): Promise<void> | undefined {
    return this.#readable;
  }

  /**
   * Keeps the directory open for a read that lasts longer than a turn of the event loop. Returns the function that ends
   * the hold; it may be called more than once.
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
   * Writes operations as one batch; synced, it is on disk when the promise resolves.
   * @throws GraphError GRAPH_DISK_FAILED, GRAPH_REOPENING: nothing is promised, and a retry is safe
   */
  async write(operations: readonly Operation[], { sync }: { readonly sync: boolean }): Promise<void> {
    const before = this.#lastWrite;
    let done = (): void => {};
    this.#lastWrite = new Promise((resolve) => {
      done = resolve;
    });
    await before;
    try {
      this.refuseInTrouble();
      await writeBatch(this.db, operations, sync);
    } catch (cause) {
      if (this.#trouble === undefined) this.#fail(cause, operations);
      this.refuseInTrouble(cause);
    } finally {
      done();
    }
  }

  /** @throws GraphError while nothing is written */
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

  /** Probes the disk until it takes writes, then opens the directory again. Ends early when the store closes. */
  async #recover(): Promise<void> {
    const { signal } = this.#closing;
    const backoff = new Backoff(PROBE_AGAIN_MS.min, PROBE_AGAIN_MS.max);
    while (!signal.aborted) {
      await delay(backoff.nextMs(), undefined, { signal, ref: false }).catch(() => {}); // closing: the loop ends
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

  /** False where the directory could not be opened: the database stays closed, and reads wait for the next try. */
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
      ? "make room on that disk; changes are taken again by themselves"
      : "the directory is being opened again; try again in a moment";
  return new GraphError(code, `${quote(directory)} takes no changes (${reason}): ${remedy}`, { cause });
}
