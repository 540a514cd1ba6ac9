// The public list of this room, for the command line.

export { signToken } from "./auth.ts";
export {
  DEFAULT_READER_TIMEOUT_MS,
  type EdgeConfig,
  type ListenAt,
  POOL_KINDS,
  type PoolKind,
} from "./config.ts";
export { Edge, type EdgeOptions } from "./edge.ts";
export { EdgeError, type EdgeErrorCode } from "./errors.ts";
export { EdgeFleet, type FleetOptions, type FromWorker, type ToWorker, WORKER_FLAGS } from "./fleet.ts";
export { AdminServer } from "./http/admin.ts";
export { listenProblemOf } from "./http/listen-problems.ts";
export { defaultPoolKind } from "./node/held-pool.ts";
export { parseCorsOrigin } from "./origins.ts";
export { DEFAULT_LIMITS, type PoolLimits } from "./pool/pool.ts";
export { WebEdge, type WebEdgeOptions } from "./web-edge.ts";
export type { MetricReport } from "./worker-counts.ts";
