// Restarts what has ended: the core of every supervisor, of one child process (supervisor.ts) as of an edge's many workers.
// Owned by the supervisor, which reports each end. Waits grow from 100 ms to 5 s while what is started keeps ending.

import type { ChildProcess } from "node:child_process";
import { Backoff } from "./backoff.ts";

/** What ran for so long had started well: its next restart is quick again. */
const SETTLED_MS = 10_000;

export interface RestartsOptions {
  /** Starts one again. When it rejects, it is called again later. */
  readonly start: () => Promise<unknown>;
  /** Called for each restart, before its wait. */
  readonly onRestart: (reason: string, waitMs: number) => void;
}

export class Restarts {
  readonly #options: RestartsOptions;
  readonly #backoff = new Backoff(100, 5_000);
  readonly #waiting = new Set<NodeJS.Timeout>();
  #isStopped = false;
  /** Restarts so far, failed ones included. */
  count = 0;

  constructor(options: RestartsOptions) {
    this.#options = options;
  }

  /** Schedules a restart of what has ended after `ranMs`. Does nothing after `stop`. */
  schedule(ranMs: number, reason: string): void {
    if (this.#isStopped) return;
    if (ranMs > SETTLED_MS) this.#backoff.reset();
    const waitMs = this.#backoff.nextMs();
    this.count += 1;
    this.#options.onRestart(reason, waitMs);
    const timer = setTimeout(() => {
      this.#waiting.delete(timer);
      this.#options.start().catch((error: unknown) => this.schedule(0, String(error)));
    }, waitMs);
    this.#waiting.add(timer);
  }

  /** Cancels the restarts that are scheduled, and all to come. Idempotent. */
  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#waiting) clearTimeout(timer);
    this.#waiting.clear();
  }
}

/** Asks a running child to end, and kills it where it has not ended after `killMs`. Resolves at the event. */
export async function endChild(
  child: ChildProcess,
  ask: () => void,
  { killMs, event }: { readonly killMs: number; readonly event: "exit" | "close" },
): Promise<void> {
  // `events.once` would reject at the error of a message that the child was too late to receive
  const ended = new Promise<void>((resolve) => child.once(event, () => resolve()));
  ask();
  const killer = setTimeout(() => child.kill("SIGKILL"), killMs);
  await ended.finally(() => clearTimeout(killer));
}
