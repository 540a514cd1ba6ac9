// One partition of the leadership walk: its change log with the two newest snapshots, its events, and what
// really happened to it.

import type { Random } from "../../../graph/index.ts";
import { History } from "../history.ts";
import type { Network } from "./network.ts";
import type { Replica, Rows, Snapshot } from "./replica.ts";
import { ReplicatedLog } from "./replicated-log.ts";
import { Truth } from "./truth.ts";

export class Part {
  readonly #newLog: () => ReplicatedLog;
  readonly history: History = new History();
  readonly truth: Truth;
  /** Changes when the log is replaced. */
  layout = 1;
  log: ReplicatedLog;
  /** The newest two. */
  snapshots: readonly [Snapshot, Snapshot];

  /** `onTerm` is called with every term that begins. */
  constructor(network: Network, random: Random, rows: Rows, onTerm: (term: number) => void) {
    this.truth = new Truth(this.history, rows);
    const snapshot: Snapshot = { layout: 1, applied: 0, rows, term: 0 };
    this.snapshots = [snapshot, snapshot];
    this.#newLog = () => {
      const log: ReplicatedLog = new ReplicatedLog(network, random, (record) => {
        if (this.log !== log) return;
        this.truth.written(record);
        if (record.kind === "term") onTerm(record.term);
      });
      return log;
    };
    this.log = this.#newLog();
  }

  /** Stores a snapshot of a leader's rows; the log is kept from the older of the newest two on. */
  store(replica: Replica): void {
    const snapshot = replica.snapshot();
    if (snapshot.layout !== this.layout || snapshot.applied < this.snapshots[1].applied) return;
    this.snapshots = [this.snapshots[1], snapshot];
    this.log.base = Math.max(this.log.base, this.snapshots[0].applied + 1);
  }

  /** Replaces the log by an empty one and a snapshot, neither of which has a term. */
  restore(): void {
    this.layout += 1;
    this.log = this.#newLog();
    const snapshot = { layout: this.layout, applied: 0, rows: new Map(this.truth.rows), term: 0 };
    this.snapshots = [snapshot, snapshot];
    this.truth.restored();
  }
}
