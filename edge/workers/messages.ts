// The messages between an edge's supervisor and its worker processes: plain data, sent as JSON over their
// channel.

import type { EdgeConfig } from "../config.ts";
import type { MetricReport } from "./worker-counts.ts";

/** From the supervisor to a worker. */
export type ToWorker =
  | { readonly type: "start"; readonly config: EdgeConfig }
  | { readonly type: "drain" }
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
  | { readonly type: "metrics"; readonly metrics: readonly MetricReport[] };
