// The settings of an edge, which `encke edge` and `encke up` accept.

import { FANOUT_MODES, type FanoutMode } from "../broker/index.ts";
import { messageOf } from "../lib/errors.ts";
import {
  durationMs,
  flag,
  host as hostSchema,
  integer,
  list,
  oneOf,
  port,
  text,
  waitMs,
} from "../lib/schemas.ts";
import type { Setting } from "../lib/settings.ts";
import { DEFAULT_READER_TIMEOUT_MS, POOL_KINDS, type PoolKind } from "./config.ts";
import { parseCorsOrigin } from "./origins.ts";

const MAX_U31 = 2_147_483_647;
const MAX_STREAM_AGE_MS = 604_800_000;
const LOOPBACK = "127.0.0.1";

export const edgeSettings = {
  host: {
    value: "ADDRESS",
    help: "address to listen on",
    schema: hostSchema,
    default: LOOPBACK,
  } as Setting<string>,
  workers: {
    value: "N",
    help: "worker processes that share the port",
    schema: integer(1, 1_024),
    default: 1,
  } as Setting<number>,
  pool: {
    value: "KIND",
    help: `pool that holds the sockets: ${POOL_KINDS.join(", ")} (native if it was built)`,
    schema: oneOf(POOL_KINDS),
  } as Setting<PoolKind | undefined>,
  fanout: {
    value: "MODE",
    help: `how events reach the edge: ${FANOUT_MODES.join(", ")}`,
    schema: oneOf(FANOUT_MODES, { gateway: "frames" }),
    default: "subject",
  } as Setting<FanoutMode>,
  jwtKey: {
    value: "SECRET",
    help: "signs users' tokens (HS256, at least 32 bytes)",
    schema: text,
  } as Setting<string | undefined>,
  allowAnonymous: {
    help: "let every reader read every user's stream",
    schema: flag,
    default: false,
  } as Setting<boolean>,
  allowPublish: {
    help: "let readers publish over HTTP (default while reading is anonymous)",
    schema: flag,
  } as Setting<boolean | undefined>,
  corsOrigin: {
    value: "ORIGIN,…",
    help: "other sites whose pages may read and publish, such as https://app.example (*: any, without cookies)",
    schema: list.transform((given, { addIssue }) => {
      try {
        return given.map(parseCorsOrigin);
      } catch (error) {
        addIssue({ code: "custom", message: messageOf(error) });
        return [];
      }
    }),
    default: [],
  } as Setting<readonly string[]>,
  maxStreams: {
    value: "N",
    help: "maximum streams per worker (default: as many as descriptors allow)",
    schema: integer(1, MAX_U31),
    default: MAX_U31,
  } as Setting<number>,
  maxStreamsPerUser: {
    value: "N",
    help: "maximum streams of one user per worker",
    schema: integer(1, MAX_U31),
    default: 1_000,
  } as Setting<number>,
  maxStreamAge: {
    value: "TIME",
    help: "end each stream after about this time (at most 7d), so that readers spread evenly over edges as they reconnect",
    schema: durationMs.refine((ms) => ms <= MAX_STREAM_AGE_MS, { error: "expected 7d at most" }),
  } as Setting<number | undefined>,
  heartbeat: {
    value: "TIME",
    help: "maximum silence on a stream, 1s to 1h (24s, because proxies give up after 30s)",
    schema: durationMs.refine((ms) => ms >= 1_000 && ms <= 3_600_000, { error: "expected 1s to 1h" }),
    default: 24_000,
    defaultText: "24s",
  } as Setting<number>,
  readerTimeout: {
    value: "TIME",
    help: "end the stream of a reader whose machine acknowledges nothing for this time, 1s to 1h (60s)",
    schema: durationMs.refine((ms) => ms >= 1_000 && ms <= 3_600_000, { error: "expected 1s to 1h" }),
    default: DEFAULT_READER_TIMEOUT_MS,
    defaultText: "1m",
  } as Setting<number>,
  drainTime: {
    value: "TIME",
    help: "maximum time to end every stream when the edge stops",
    schema: waitMs,
    default: 30_000,
    defaultText: "30s",
  } as Setting<number>,
  adminHost: {
    value: "ADDRESS",
    help: "address of /healthz, /readyz and /metrics",
    schema: hostSchema,
    default: LOOPBACK,
  } as Setting<string>,
  adminPort: { value: "N", help: "port of /healthz, /readyz and /metrics (9180)", schema: port } as Setting<
    number | undefined
  >,
};
