// One worker process as its supervisor sees it: whether it listens, accepts readers and is alive, and its
// last metrics. Owned by the fleet, which keeps one for each process until the process's last message has
// arrived.

import type { ChildProcess } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import type { UserId } from "../../broker/contract.ts";
import { EnckeError } from "../../lib/errors.ts";
import { endChild } from "../../lib/restarts.ts";
import type { EdgeConfig } from "../config.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import type { MetricReport } from "./worker-counts.ts";

/** Maximum wait for a report. After it, the worker's previous report is used. */
const REPORT_MS = 2_000;

export interface WorkerOptions {
  readonly child: ChildProcess;
  /** Called when the worker's program has loaded. Returns its configuration, or undefined if it is to end. */
  readonly configOf: () => EdgeConfig | undefined;
  /** Called when the worker ends after it had listened. `how` is its signal or exit code. */
  readonly onCrash: (worker: WorkerProcess, how: string) => void;
  /** Called when the worker has cut streams of these users because their readers were slow. */
  readonly onSlow: (worker: WorkerProcess, users: readonly UserId[]) => void;
  /** Called when the process has ended and its last message has arrived. */
  readonly onGone: (worker: WorkerProcess) => void;
}

export class WorkerProcess {
  readonly #options: WorkerOptions;
  readonly #startedAtMs: number = performance.now();
  /** Whether its program has loaded and can receive messages. */
  #loaded = false;
  #listening = false;
  #exited = false;
  /** The pending request for a report; there is at most one. */
  #report: { readonly arrived: Promise<void>; readonly settle: () => void } | undefined;
  /** Why the worker accepts no readers; null if it does. */
  notReady: string | null = "starting";
  /** The worker's last report. */
  metrics: readonly MetricReport[] = [];
  /**
   * Resolves with the worker's port when it listens. Rejects with an EnckeError if it cannot listen or ends
   * before it does.
   */
  readonly listening: Promise<number>;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.listening = new Promise((resolve, reject) => this.#watch(resolve, reject));
  }

  /** Whether the process has not exited. Its last messages may arrive after its exit. */
  get isAlive(): boolean {
    return !this.#exited;
  }

  get ageMs(): number {
    return performance.now() - this.#startedAtMs;
  }

  /** Requests a report; resolves when it has arrived, or after REPORT_MS. */
  async report(): Promise<void> {
    if (!this.#loaded || this.#exited) return;
    this.#report ??= this.#ask();
    await Promise.race([this.#report.arrived, delay(REPORT_MS, undefined, { ref: false })]);
  }

  /** Passes on which users' streams another worker has cut. */
  noteSlow(users: readonly UserId[]): void {
    if (this.#loaded) this.#send({ type: "slow", users });
  }

  /**
   * Tells the worker to drain, and kills it if it has not ended within `killAfterMs`. Resolves when it is
   * gone.
   */
  async drain(killAfterMs: number): Promise<void> {
    const { child } = this.#options;
    await endChild(child, () => this.#send({ type: "drain" }), { killMs: killAfterMs, event: "close" });
  }

  #watch(resolve: (port: number) => void, reject: (error: EnckeError) => void): void {
    const { child, onCrash, onGone } = this.#options;
    child.on("message", (message: FromWorker) => this.#receive(message, resolve, reject));
    child.on("error", (error) => {
      // a message could not be sent because the process has ended; its exit event follows
      if (child.pid !== undefined) return;
      this.#exited = true;
      const why = `an edge worker cannot be started (${error.message}): see \`encke doctor\``;
      reject(new EnckeError("WORKER_FAILED", why, { cause: error }));
      onGone(this);
    });
    child.once("exit", (code, signal) => {
      this.#exited = true;
      this.#report?.settle();
      const how = signal ?? `exit ${code}`;
      const why = `an edge worker ended (${how}) before it listened: see its log above`;
      reject(new EnckeError("WORKER_FAILED", why));
      if (this.#listening) onCrash(this, how);
    });
    child.once("close", () => onGone(this));
  }

  #receive(message: FromWorker, resolve: (port: number) => void, reject: (error: EnckeError) => void): void {
    switch (message.type) {
      case "loaded": {
        this.#loaded = true;
        const config = this.#options.configOf();
        return this.#send(config === undefined ? { type: "drain" } : { type: "start", config });
      }
      case "listening":
        this.#listening = true;
        return resolve(message.port);
      case "failed":
        return reject(new EnckeError(message.code, message.message));
      case "status":
        this.notReady = message.notReady;
        return;
      case "slow":
        return this.#options.onSlow(this, message.users);
      case "metrics":
        this.metrics = message.metrics;
        this.#report?.settle();
    }
  }

  #ask(): { arrived: Promise<void>; settle: () => void } {
    let settle = (): void => {};
    const arrived = new Promise<void>((resolve) => {
      settle = () => {
        this.#report = undefined;
        resolve();
      };
    });
    this.#send({ type: "metrics" });
    return { arrived, settle };
  }

  #send(message: ToWorker): void {
    const { child } = this.#options;
    if (child.connected) child.send(message);
  }
}
