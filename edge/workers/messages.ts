// What an edge's supervisor and its worker processes send each other. Plain data, as JSON over the channel between them.

import type { EdgeConfig } from "../config.ts";
import type { MetricReport } from "./worker-counts.ts";

/** Supervisor → worker. */
export type ToWorker =
  | { readonly type: "start"; readonly config: EdgeConfig }
  | { readonly type: "drain" }
  | { readonly type: "metrics" };

/** Worker → supervisor. A worker speaks first: what is sent before its program has loaded is lost. */
export type FromWorker =
  | { readonly type: "loaded" }
  | { readonly type: "listening"; readonly port: number }
  | { readonly type: "failed"; readonly code: string; readonly message: string }
  | { readonly type: "status"; readonly notReady: string | null }
  | { readonly type: "metrics"; readonly metrics: readonly MetricReport[] };
