// Tells live readers once about each hole, although it may be reported for every partition of an owner. The
// first report covers the others: readers learn since when something may be missing, whatever the partition.
// Owned by the fan-out; bounded.

import type { Hole } from "../../broker/contract.ts";

const KEPT = 16;

export class LiveHoles {
  readonly #told: string[] = [];
  readonly #tell: (hole: Hole) => void;

  /** @param tell writes a `resync` to every live stream */
  constructor(tell: (hole: Hole) => void) {
    this.#tell = tell;
  }

  report(hole: Hole): void {
    const key = `${hole.reason} ${hole.since}`;
    if (hole.since !== undefined && this.#told.includes(key)) return;
    this.#told.push(key);
    if (this.#told.length > KEPT) this.#told.shift();
    this.#tell(hole);
  }
}
