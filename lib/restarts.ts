// The core of every supervisor: schedules restarts of what has ended, for a single child process
// (supervisor.ts) and for the many workers of an edge. Owned by the supervisor, which reports each end. While
// what it starts keeps ending, the delays grow from 100 ms to 5 s.

import type { ChildProcess } from "node:child_process";
import { Backoff } from "./backoff.ts";

/** A process that ran this long had started well, so its restart is quick again. */
const SETTLED_MS = 10_000;

export interface RestartsOptions {
  /** Starts another one. If it rejects, it is called again later. */
  readonly start: () => Promise<unknown>;
  /** Called for each restart, before its delay. */
  readonly onRestart: (reason: string, waitMs: number) => void;
}

export class Restarts {
  readonly #options: RestartsOptions;
  readonly #backoff = new Backoff(100, 5_000);
  readonly #waiting = new Set<NodeJS.Timeout>();
  #isStopped = false;
  /** Number of restarts so far, including failed ones. */
  count = 0;

  constructor(options: RestartsOptions) {
    this.#options = options;
  }

  /** Schedules a restart after something ended that had run for `ranMs`. Does nothing after `stop`. */
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

  /** Cancels all scheduled restarts and permits no more. Idempotent. */
  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#waiting) clearTimeout(timer);
    this.#waiting.clear();
  }
}

/** Asks a running child to end, and kills it after `killMs`. Resolves at the event. */
export async function endChild(
  child: ChildProcess,
  ask: () => void,
  { killMs, event }: { readonly killMs: number; readonly event: "exit" | "close" },
): Promise<void> {
  // `events.once` would also reject at an error, such as a message that the ending child could not receive
  const ended = new Promise<void>((resolve) => child.once(event, () => resolve()));
  ask();
  const killer = setTimeout(() => child.kill("SIGKILL"), killMs);
  await ended.finally(() => clearTimeout(killer));
}
