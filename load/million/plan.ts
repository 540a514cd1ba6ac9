// What a run of `encke million` does, in numbers: everything else follows from how many connections there are and what
// a process may hold.

import type { BrokerKind, FanoutMode } from "../../broker/index.ts";
import type { Machine, PoolKind } from "../../edge/index.ts";
import { type Layout, layoutFor } from "../../edge/index.ts";
import type { GraphShape } from "../../graph/index.ts";

/** As in the article: 16,666 messages a second are one a minute for each of a million users. */
const RATE_A_MILLION = { user: 16_666, event: 1_000 };
/** Fewer users make no graph whose degrees look like anything. */
const MIN_USERS = 2_000;
/** As in the article's data set. */
const FRIENDS = 15;

/**
 * Heartbeats that both ends of all streams can spare the CPU for on one machine: a third of a core. A fleet has more cores
 * a stream, and keeps the edge's default.
 */
const HEARTBEATS_A_SECOND = 20_000;
const MIN_HEARTBEAT_MS = 24_000;

export type LoadKind = "user" | "event";
export type StreamPath = "stream" | "test";

export interface MillionOptions {
  readonly connections: number;
  readonly seconds: number;
  /** Messages a second; undefined: as the article's million, scaled. */
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

/** Where the streams of users 1, 2, … are, without the number. */
export function streamBase(edge: string, path: StreamPath): string {
  return new URL(path === "stream" ? "/stream?user=" : "/test/", edge).href;
}

/** What the run's edge is told: a worker for each share of the descriptors, and no limit of streams but theirs. */
export function edgeFlags({ pool, fanout, heartbeatMs, layout }: MillionPlan): readonly string[] {
  return [
    ...["--workers", String(layout.edgeWorkers), "--pool", pool, "--fanout", fanout],
    ...["--heartbeat", `${Math.round(heartbeatMs)}ms`],
  ];
}
