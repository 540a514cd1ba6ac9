// Decides when readers are told that something may have been lost. A loss between this edge and the graph is told once the
// two are in step again, since events are lost until then; a loss that the graph reports is told at once, but not more
// often than RESYNC_EVERY_MS. Owned by one Presence; it holds one reason and two timers.

import { Throttle } from "../../lib/throttle.ts";

/** Several services may report the same loss of the graph. */
const RESYNC_EVERY_MS = 1_000;

export class Losses {
  readonly #tell: (reason: string) => void;
  readonly #reports: Throttle<string>;
  /** What readers are told once this edge and the graph are in step again. */
  #pending: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param tell writes `resync` to every stream; must not throw */
  constructor(tell: (reason: string) => void) {
    this.#tell = tell;
    this.#reports = new Throttle(RESYNC_EVERY_MS, tell);
  }

  /** Notes a loss between this edge and the graph. The first one explains those that follow from it, and is kept. */
  note(reason: string): void {
    this.#pending ??= reason;
  }

  /** Tells a loss that the graph reports, unless a noted one is still to be told, which covers it. */
  report(reason: string): void {
    if (this.#pending === undefined) this.#reports.call(reason);
  }

  /** Tells what was noted, if anything. */
  settle(): void {
    const reason = this.#pending;
    this.#pending = undefined;
    if (reason !== undefined) this.#tell(reason);
  }

  /** Settles after so long, if nothing does before. */
  settleWithin(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.settle(), ms);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#reports.stop();
  }
}
