// Messages between the processes of a flood and the command that started them: plain data and typed arrays,
// which can be sent between processes.

import type { FloodPlan } from "./flood.ts";
import type { FloodCounts } from "./flood-counts.ts";

/** Messages to a flood process: once what to open, and then requests, whose replies carry the same number. */
export type ToFloodWorker =
  | { readonly type: "open"; readonly plan: FloodPlan }
  | { readonly type: "counts"; readonly request: number }
  | { readonly type: "report"; readonly request: number }
  | { readonly type: "digests"; readonly request: number };

export interface CountReport {
  readonly request: number;
  readonly counts: FloodCounts;
  /** True when every stream was begun. */
  readonly opened: boolean;
}
export interface FloodReport extends CountReport {
  readonly problems: readonly string[];
  readonly latency: string;
}
export interface DigestReport {
  readonly request: number;
  readonly digests: Uint32Array;
}
export type FromFloodWorker = CountReport | FloodReport | DigestReport | { readonly type: "opened" };
