// The plan of a run of `encke million`. All its numbers follow from the number of connections and from the
// limits of a process.

import type { BrokerKind, FanoutMode } from "../../broker/index.ts";
import type { Machine, PoolKind } from "../../edge/index.ts";
import { type Layout, layoutFor } from "../../edge/index.ts";
import type { GraphShape } from "../../graph/index.ts";

/** As in the article: 16,666 messages per second are one per minute for each of a million users. */
const RATE_A_MILLION = { user: 16_666, event: 1_000 };
/** With fewer users, the degrees of the graph have no meaningful distribution. */
const MIN_USERS = 2_000;
/** As in the article's data set. */
const FRIENDS = 15;

/**
 * Heartbeats per second that one machine can afford with both ends of all streams: a third of a core. A fleet
 * has more cores per stream, and uses the edge's default.
 */
const HEARTBEATS_A_SECOND = 20_000;
const MIN_HEARTBEAT_MS = 24_000;

export type LoadKind = "user" | "event";
export type StreamPath = "stream" | "test";

export interface MillionOptions {
  readonly connections: number;
  readonly seconds: number;
  /** Messages per second; by default in proportion to the article's million. */
  readonly rate: number | undefined;
  readonly to: LoadKind;
  readonly path: StreamPath;
  readonly pool: PoolKind;
  readonly fanout: FanoutMode;
  readonly broker: BrokerKind;
  readonly seed: number;
}

export interface MillionPlan extends Omit<MillionOptions, "seed"> {
  readonly rate: number;
  readonly graph: GraphShape;
  /** The longest silence on a stream. */
  readonly heartbeatMs: number;
  readonly layout: Layout;
}

export function planMillion({ seed, ...options }: MillionOptions, machine: Machine): MillionPlan {
  const { connections, to } = options;
  return {
    ...options,
    rate: options.rate ?? Math.max(1, Math.round((RATE_A_MILLION[to] * connections) / 1_000_000)),
    graph: { users: Math.max(connections, MIN_USERS), friends: FRIENDS, seed },
    heartbeatMs: Math.max(MIN_HEARTBEAT_MS, (connections / HEARTBEATS_A_SECOND) * 1_000),
    layout: layoutFor(connections, machine.openFiles.soft, machine.ports),
  };
}

/** Returns the URL of the streams of users 1, 2, …, without the number. */
export function streamBase(edge: string, path: StreamPath): string {
  return new URL(path === "stream" ? "/stream?user=" : "/test/", edge).href;
}

/** Returns the edge's flags: one worker per share of the descriptors, and no other limit on streams. */
export function edgeFlags({ pool, fanout, heartbeatMs, layout }: MillionPlan): readonly string[] {
  return [
    ...["--workers", String(layout.edgeWorkers), "--pool", pool, "--fanout", fanout],
    ...["--heartbeat", `${Math.round(heartbeatMs)}ms`],
  ];
}
