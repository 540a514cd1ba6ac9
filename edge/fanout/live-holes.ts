// Tells live readers once about each hole, although it may be reported for every partition of an owner. The
// first report covers the others: readers learn since when something may be missing, whatever the partition.
// Owned by the fan-out; bounded.

import type { Hole } from "../../broker/contract.ts";
import type { ConnectionPool } from "../pool/pool.ts";
import type { ResyncCounts } from "../resync-counts.ts";
import type { Progress } from "./progress.ts";

const KEPT = 16;

export interface LiveHolesOptions {
  readonly pool: ConnectionPool;
  readonly progress: Pick<Progress, "cursor">;
  readonly resyncs: ResyncCounts;
}

export class LiveHoles {
  readonly #options: LiveHolesOptions;
  readonly #told: string[] = [];

  constructor(options: LiveHolesOptions) {
    this.#options = options;
  }

  report(hole: Hole): void {
    const key = `${hole.reason} ${hole.since}`;
    if (hole.since !== undefined && this.#told.includes(key)) return;
    this.#told.push(key);
    if (this.#told.length > KEPT) this.#told.shift();
    const { pool, progress, resyncs } = this.#options;
    resyncs.note(hole.reason, pool.size - pool.corked);
    pool.resync(hole, progress.cursor());
  }
}
