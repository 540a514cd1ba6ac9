// Decides when readers are told that events may have been lost. A loss between this edge and the graph is
// reported once both are in step again, because events are lost until then. A loss that the graph reports is
// forwarded at once, at most once per RESYNC_EVERY_MS. Owned by one Presence; it holds one reason and two
// timers.

import { Throttle } from "../../broker/index.ts";

/** Several services may report the same loss. */
const RESYNC_EVERY_MS = 1_000;

export class Losses {
  readonly #tell: (reason: string) => void;
  readonly #reports: Throttle<string>;
  /** The reason that readers are sent once this edge and the graph are in step again. */
  #pending: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param tell writes a `resync` to every stream; must not throw */
  constructor(tell: (reason: string) => void) {
    this.#tell = tell;
    this.#reports = new Throttle(RESYNC_EVERY_MS, tell);
  }

  /**
   * Notes a loss between this edge and the graph. The first reason is kept, because it causes those that
   * follow.
   */
  note(reason: string): void {
    this.#pending ??= reason;
  }

  /**
   * Reports a loss that the graph announced, unless a noted loss is still to be reported: its resync covers
   * both.
   */
  report(reason: string): void {
    if (this.#pending === undefined) this.#reports.call(reason);
  }

  /** Reports the noted loss, if any. */
  settle(): void {
    const reason = this.#pending;
    this.#pending = undefined;
    if (reason !== undefined) this.#tell(reason);
  }

  /** Reports the noted loss after this time, unless that happens earlier. */
  settleWithin(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.settle(), ms);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#reports.stop();
  }
}
