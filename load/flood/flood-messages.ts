// What a flood's processes and the command that started them say to each other. Plain data and typed arrays: it travels
// between processes.

import type { FloodPlan } from "./flood.ts";
import type { FloodCounts } from "./flood-counts.ts";

/** To a flood process: what to open, once, and then questions, each answered under its number. */
export type ToFloodWorker =
  | { readonly type: "open"; readonly plan: FloodPlan }
  | { readonly type: "counts"; readonly request: number }
  | { readonly type: "report"; readonly request: number }
  | { readonly type: "digests"; readonly request: number };

export interface CountReport {
  readonly request: number;
  readonly counts: FloodCounts;
  /** Every stream was begun. */
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
