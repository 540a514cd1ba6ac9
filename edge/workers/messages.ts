// The messages between an edge's supervisor and its worker processes: plain data, sent as JSON over their
// channel.

import type { UserId } from "../../broker/contract.ts";
import type { EdgeConfig } from "../config.ts";
import type { MetricReport } from "./worker-counts.ts";

/** A worker has cut streams of these users because their readers were slow. Passed on to all others. */
interface Slow {
  readonly type: "slow";
  readonly users: readonly UserId[];
}

/** From the supervisor to a worker. */
export type ToWorker =
  | { readonly type: "start"; readonly config: EdgeConfig }
  | { readonly type: "drain" }
  | Slow
  | { readonly type: "metrics" };

/**
 * From a worker to the supervisor. The worker sends first, because a message that arrives before its program
 * has loaded is lost.
 */
export type FromWorker =
  | { readonly type: "loaded" }
  | { readonly type: "listening"; readonly port: number }
  | { readonly type: "failed"; readonly code: string; readonly message: string }
  | { readonly type: "status"; readonly notReady: string | null }
  | Slow
  | { readonly type: "metrics"; readonly metrics: readonly MetricReport[] };
