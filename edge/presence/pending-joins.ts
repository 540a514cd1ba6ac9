// Streams that wait until the graph has acknowledged their users, each for at most JOIN_MS. Owned by one Presence; the
// admission bounds how many wait.

import { JOIN_MS } from "../config.ts";
import type { PresenceLog } from "./presence-log.ts";

interface PendingJoin {
  readonly handles: readonly number[];
  readonly untilMs: number;
  readonly resolve: (isCertain: boolean) => void;
}

export class PendingJoins {
  readonly #log: PresenceLog;
  /** In the order in which they joined, which is the order in which they are acknowledged. */
  #waiting: PendingJoin[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(log: PresenceLog) {
    this.#log = log;
  }

  /** Resolves with true once every one of these handles is acknowledged, with false after JOIN_MS without that. */
  add(handles: readonly number[]): Promise<boolean> {
    return new Promise((resolve) => {
      this.#waiting.push({ handles, untilMs: performance.now() + JOIN_MS, resolve });
      this.#timer ??= setTimeout(() => this.#giveUp(), JOIN_MS);
    });
  }

  /** Resolves those that have become certain. To be called after each acknowledgement. */
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
