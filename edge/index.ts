// The public API of this folder.

export { signToken } from "./auth.ts";
export {
  DEFAULT_READER_TIMEOUT_MS,
  type EdgeConfig,
  type ListenAt,
  POOL_KINDS,
  type PoolKind,
} from "./config.ts";
export { edgeConfigOf } from "./config-of.ts";
export { Edge, type EdgeOptions } from "./edge.ts";
export { EdgeError, type EdgeErrorCode } from "./errors.ts";
export { AdminServer } from "./http/admin.ts";
export { listenProblemOf } from "./http/listen-problems.ts";
export { checkMachine } from "./machine/checks.ts";
export { describeBad, formatChecks } from "./machine/format-checks.ts";
export { type Layout, layoutFor } from "./machine/layout.ts";
export { type Machine, readMachine } from "./machine/machine.ts";
export { defaultPoolKind } from "./node/held-pool.ts";
export { parseCorsOrigin } from "./origins.ts";
export { DEFAULT_LIMITS, type PoolLimits } from "./pool/pool.ts";
export { edgeSettings } from "./settings.ts";
export { WebEdge, type WebEdgeOptions } from "./web-edge.ts";
export { EdgeFleet, type FleetOptions, WORKER_FLAGS } from "./workers/fleet.ts";
export { forwardLines } from "./workers/forward-lines.ts";
export type { FromWorker, ToWorker } from "./workers/messages.ts";
export type { MetricReport } from "./workers/worker-counts.ts";
