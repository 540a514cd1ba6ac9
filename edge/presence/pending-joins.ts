// Streams that wait until the graph has acknowledged their users, each for at most `joinMs`. Owned by one
// Presence; the admission bounds the number of streams.

import { JOIN_MS } from "../config.ts";
import type { PresenceLog } from "./presence-log.ts";

interface PendingJoin {
  readonly handles: readonly number[];
  readonly untilMs: number;
  readonly resolve: (isCertain: boolean) => void;
}

export class PendingJoins {
  readonly #log: PresenceLog;
  readonly #joinMs: number;
  /** In the order of joining, which is also the order of acknowledgement. */
  #waiting: PendingJoin[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(log: PresenceLog, joinMs: number = JOIN_MS) {
    this.#log = log;
    this.#joinMs = joinMs;
  }

  /** Resolves with true when all of these handles are acknowledged, or with false after `joinMs`. */
  add(handles: readonly number[]): Promise<boolean> {
    return new Promise((resolve) => {
      this.#waiting.push({ handles, untilMs: performance.now() + this.#joinMs, resolve });
      this.#timer ??= setTimeout(() => this.#giveUp(), this.#joinMs);
    });
  }

  /** Resolves the joins that have become certain. Must be called after each acknowledgement. */
  settle(): void {
    const first = this.#waiting.findIndex(
      ({ handles }) => !handles.every((handle) => this.#log.isCertain(handle)),
    );
    const certain = this.#waiting.splice(0, first === -1 ? this.#waiting.length : first);
    for (const { resolve } of certain) resolve(true);
  }

  #giveUp(): void {
    const now = performance.now();
    while ((this.#waiting[0]?.untilMs ?? Number.POSITIVE_INFINITY) <= now)
      this.#waiting.shift()?.resolve(false);
    const next = this.#waiting[0];
    this.#timer = next && setTimeout(() => this.#giveUp(), Math.max(1, next.untilMs - now));
  }
}
