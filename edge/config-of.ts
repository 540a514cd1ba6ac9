// Converts the settings of an edge to its configuration.

import type { NatsConfig } from "../broker/index.ts";
import type { CommonValues } from "../lib/command.ts";
import type { ValuesOf } from "../lib/settings.ts";
import type { EdgeConfig, ListenAt } from "./config.ts";
import { defaultPoolKind } from "./node/held-pool.ts";
import type { edgeSettings } from "./settings.ts";

export type EdgeValues = ValuesOf<typeof edgeSettings>;

export function edgeConfigOf(
  values: EdgeValues & CommonValues,
  listen: ListenAt,
  nats: NatsConfig,
): EdgeConfig {
  return {
    listen,
    nats,
    fanout: values.fanout,
    pool: values.pool ?? defaultPoolKind(),
    jwtKey: values.jwtKey,
    allowAnonymous: values.allowAnonymous,
    allowPublish: values.allowPublish,
    corsOrigins: values.corsOrigin,
    maxStreams: values.maxStreams,
    maxStreamsPerUser: values.maxStreamsPerUser,
    drainMs: values.drainTime,
    maxStreamAgeMs: values.maxStreamAge ?? 0,
    heartbeatMs: values.heartbeat,
    readerTimeoutMs: values.readerTimeout,
    logLevel: values.logLevel,
  };
}
