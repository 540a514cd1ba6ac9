// Events that readers will miss, because they were refused or could not be read. Each loss becomes a hole in
// the history of its partition, which travels to the edges like an event. Losses in quick succession become
// one hole. Owned by the graph service; bounded by the number of partitions.

import { Throttle } from "../../broker/index.ts";

/** The minimum time between two holes of a partition. */
const HOLE_EVERY_MS = 1_000;

export class Losses {
  readonly #tell: (partition: number, sinceMs: number) => void;
  readonly #throttle: Throttle<undefined>;
  /** The earliest time of an event that was lost since the last hole, by partition. */
  readonly #pending = new Map<number, number>();

  /** @param tell puts a hole into a partition: no event that may be missing is older than `sinceMs` */
  constructor(tell: (partition: number, sinceMs: number) => void) {
    this.#tell = tell;
    this.#throttle = new Throttle(HOLE_EVERY_MS, () => this.#append());
  }

  /** Notes a lost event that was, or would have been, accepted at this time. */
  note(partition: number, timeMs: number): void {
    this.#pending.set(partition, Math.min(timeMs, this.#pending.get(partition) ?? timeMs));
    this.#throttle.call(undefined);
  }

  /** Appends the holes that are due, and no more after that. */
  stop(): void {
    this.#throttle.stop();
    this.#append();
  }

  #append(): void {
    if (this.#pending.size === 0) return;
    for (const [partition, sinceMs] of this.#pending) this.#tell(partition, sinceMs);
    this.#pending.clear();
  }
}
