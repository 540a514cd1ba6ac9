// Every setting of every command, once. A command picks the ones it takes; a name in the environment or the file that
// is in none of these tables is a typo and an error.

import { MAX_PARTITIONS } from "../broker/contract.ts";
import {
  BROKER_KINDS,
  type BrokerKind,
  DEFAULT_NATS_URL,
  FANOUT_MODES,
  type FanoutMode,
  type NatsConfig,
} from "../broker/index.ts";
import { DEFAULT_READER_TIMEOUT_MS, POOL_KINDS, type PoolKind, parseCorsOrigin } from "../edge/index.ts";
import {
  DEFAULT_ROW_MEMORY_MB,
  EXPORT_KINDS,
  type ExportKind,
  LOAD_KINDS,
  type LoadKind,
  Partitions,
} from "../graph/index.ts";
import { messageOf } from "../lib/errors.ts";
import { LOG_LEVELS, type LogLevel } from "../lib/log.ts";
import { durationMs, flag, host, integer, list, oneOf, port, text, waitMs } from "../lib/schemas.ts";
import type { AnySettings, Settings } from "../lib/settings.ts";
import { observeSettings } from "./observe/settings.ts";

const MAX_U31 = 2_147_483_647;

export interface CommonValues {
  config: string | undefined;
  logLevel: LogLevel;
}
export const commonSettings: Settings<CommonValues> = {
  config: {
    value: "FILE",
    help: "settings as one JSON object, keys as the flags without dashes",
    schema: text,
  },
  logLevel: { value: "LEVEL", help: LOG_LEVELS.join(", "), schema: oneOf(LOG_LEVELS), default: "warn" },
};

export interface NatsValues {
  natsUrl: string | undefined;
  natsUser: string | undefined;
  natsPassword: string | undefined;
  natsToken: string | undefined;
  natsCreds: string | undefined;
  natsNkey: string | undefined;
  natsCa: string | undefined;
  natsCert: string | undefined;
  natsKey: string | undefined;
}
export const natsSettings: Settings<NatsValues> = {
  natsUrl: {
    short: "s",
    value: "URL",
    env: "NATS_URL",
    help: `NATS server (${DEFAULT_NATS_URL})`,
    schema: text,
  },
  natsUser: { value: "NAME", env: "NATS_USER", help: "user name", schema: text },
  natsPassword: { value: "SECRET", env: "NATS_PASSWORD", help: "password", schema: text },
  natsToken: { value: "SECRET", env: "NATS_TOKEN", help: "token", schema: text },
  natsCreds: { value: "FILE", env: "NATS_CREDS", help: "credentials file", schema: text },
  natsNkey: { value: "FILE", env: "NATS_NKEY", help: "nkey seed file", schema: text },
  natsCa: { value: "FILE", env: "NATS_CA", help: "certificate authority, PEM", schema: text },
  natsCert: { value: "FILE", env: "NATS_CERT", help: "client certificate, PEM", schema: text },
  natsKey: { value: "FILE", env: "NATS_KEY", help: "client key, PEM", schema: text },
};

export interface EdgeValues {
  host: string;
  workers: number;
  pool: PoolKind | undefined;
  fanout: FanoutMode;
  jwtKey: string | undefined;
  allowAnonymous: boolean;
  allowPublish: boolean | undefined;
  corsOrigin: readonly string[];
  maxStreams: number;
  maxStreamsPerUser: number;
  drainTime: number;
  maxStreamAge: number | undefined;
  heartbeat: number;
  readerTimeout: number;
  adminHost: string;
  adminPort: number | undefined;
}
const MAX_STREAM_AGE_MS = 604_800_000;
/** What a timer can count in milliseconds: 23 days. */
const MAX_SECONDS = 2_000_000;

export const edgeSettings: Settings<EdgeValues> = {
  host: { value: "ADDRESS", help: "address to listen on", schema: host, default: "127.0.0.1" },
  workers: { value: "N", help: "worker processes on the one port", schema: integer(1, 1_024), default: 1 },
  pool: {
    value: "KIND",
    help: `who holds the sockets: ${POOL_KINDS.join(", ")} (native where it was built)`,
    schema: oneOf(POOL_KINDS),
  },
  fanout: {
    value: "MODE",
    help: `how events reach it: ${FANOUT_MODES.join(", ")}`,
    schema: oneOf(FANOUT_MODES, { gateway: "frames" }),
    default: "subject",
  },
  jwtKey: { value: "SECRET", help: "signs users' tokens (HS256, at least 32 bytes)", schema: text },
  allowAnonymous: { help: "anybody may read anybody's stream", schema: flag, default: false },
  allowPublish: {
    help: "readers may publish over HTTP (by itself while reading is anonymous)",
    schema: flag,
  },
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
  },
  maxStreams: {
    value: "N",
    help: "streams a worker (as many as descriptors allow)",
    schema: integer(1, MAX_U31),
    default: MAX_U31,
  },
  maxStreamsPerUser: {
    value: "N",
    help: "streams of one user a worker",
    schema: integer(1, MAX_U31),
    default: 1_000,
  },
  maxStreamAge: {
    value: "TIME",
    help: "end each stream after about so long (7d at most), so that a fleet evens out; its reader comes back",
    schema: durationMs.refine((ms) => ms <= MAX_STREAM_AGE_MS, { error: "expected 7d at most" }),
  },
  heartbeat: {
    value: "TIME",
    help: "longest silence on a stream, 1s to 1h (24s: proxies give up after 30)",
    schema: durationMs.refine((ms) => ms >= 1_000 && ms <= 3_600_000, { error: "expected 1s to 1h" }),
    default: 24_000,
  },
  readerTimeout: {
    value: "TIME",
    help: "a reader whose machine acknowledges nothing for so long is gone, 1s to 1h (60s)",
    schema: durationMs.refine((ms) => ms >= 1_000 && ms <= 3_600_000, { error: "expected 1s to 1h" }),
    default: DEFAULT_READER_TIMEOUT_MS,
  },
  drainTime: {
    value: "TIME",
    help: "how long a stop may take to end every stream",
    schema: waitMs,
    default: 30_000,
  },
  adminHost: {
    value: "ADDRESS",
    help: "address of /healthz, /readyz and /metrics",
    schema: host,
    default: "127.0.0.1",
  },
  adminPort: { value: "N", help: "their port (9180)", schema: port },
};

/** What only one or two commands take. */
export interface OwnValues {
  port: number | undefined;
  listen: string | undefined;
  data: string;
  rowMemory: number;
  partitions: Partitions;
  partition: number;
  printConfig: boolean;
  users: number;
  broker: BrokerKind;
  embedded: boolean;
  edges: number;
  seed: number;
  out: string | undefined;
  svg: string | undefined;
  as: LoadKind;
  muted: string | undefined;
  blocked: string | undefined;
  strict: boolean;
  file: string | undefined;
  after: number;
  only: ExportKind;
  sub: string | undefined;
  ttl: number;
  timeout: number;
  json: boolean;
  url: string;
  urls: string | undefined;
  connections: number;
  firstId: number;
  rate: number;
  source: readonly string[];
  opening: number;
  processes: number;
  reopen: boolean;
  seconds: number | undefined;
  messages: number;
  interval: string;
  max: number;
  senders: number;
  to: "event" | "user";
  path: "stream" | "test";
  report: string;
  verify: boolean;
  streams: number;
}
export const ownSettings: Settings<OwnValues> = {
  port: { value: "N", help: "port", schema: port },
  listen: { value: "unix:PATH", help: "a UNIX socket instead of an address", schema: text },
  data: { value: "DIR", help: "folder of the graph", schema: text, default: "encke-data" },
  rowMemory: {
    value: "MB",
    help: "followers held in memory, at most so much of it; the others are read from disk (0: all)",
    schema: integer(0, 2_047),
    default: DEFAULT_ROW_MEMORY_MB,
  },
  partition: {
    value: "P",
    help: "which part of a graph in partitions; an undivided graph is 0",
    schema: integer(0, MAX_PARTITIONS - 1),
    default: 0,
  },
  partitions: {
    value: "P/N",
    help: "own only these of N partitions: 0-3/16, 2/4 or 0,2,5-7/16",
    schema: text.transform((given, { addIssue }) => {
      try {
        return Partitions.parse(given);
      } catch (error) {
        addIssue({ code: "custom", message: messageOf(error) });
        return Partitions.whole;
      }
    }),
    default: Partitions.whole,
  },
  printConfig: {
    help: "print what a nats-server of yours needs for --partitions, and end",
    schema: flag,
    default: false,
  },
  users: {
    value: "N",
    help: "users of the demo graph, made at the first start",
    schema: integer(1, MAX_U31),
    default: 10_000,
  },
  broker: { value: "KIND", help: BROKER_KINDS.join(", "), schema: oneOf(BROKER_KINDS), default: "auto" },
  embedded: { help: "the embedded broker, whatever else is installed", schema: flag, default: false },
  edges: { value: "N", help: "friends that each newcomer chooses", schema: integer(1, 10_000), default: 15 },
  seed: {
    value: "N",
    help: "same seed, same graph",
    schema: integer(0, Number.MAX_SAFE_INTEGER),
    default: 1,
  },
  out: { value: "FILE", help: "where to write (standard output)", schema: text },
  svg: { value: "FILE", help: "where a picture goes", schema: text },
  as: {
    value: "KIND",
    help: `what a line means: ${LOAD_KINDS.join(", ")}`,
    schema: oneOf(LOAD_KINDS),
    default: "friendships",
  },
  muted: { value: "FILE", help: "who of them is sent nothing, as an export writes it", schema: text },
  blocked: { value: "FILE", help: "who cannot follow, likewise", schema: text },
  strict: { help: "stop at the first line that is not an edge", schema: flag, default: false },
  file: { value: "FILE", help: "many, a `SUBSCRIBER TOPIC` a line", schema: text },
  after: {
    value: "SEQ",
    help: "changes behind this one",
    schema: integer(0, Number.MAX_SAFE_INTEGER),
    default: 0,
  },
  only: {
    value: "KIND",
    help: `which relations: ${EXPORT_KINDS.join(", ")}`,
    schema: oneOf(EXPORT_KINDS),
    default: "followers",
  },
  sub: { value: "USER", help: "whose token", schema: text },
  ttl: { value: "TIME", help: "how long it is valid", schema: durationMs, default: 3_600_000 },
  timeout: { value: "TIME", help: "how long to wait for the answer", schema: waitMs, default: 2_000 },
  json: { help: "print JSON, for programs", schema: flag, default: false },
  url: { value: "URL", help: "the edge", schema: text, default: "http://127.0.0.1:8080" },
  urls: { value: "FILE", help: "one URL a line instead", schema: text },
  connections: { value: "N", help: "streams to open", schema: integer(1, MAX_U31), default: 100 },
  firstId: {
    value: "N",
    help: "id of the first stream; they count up",
    schema: integer(0, MAX_U31),
    default: 1,
  },
  rate: {
    value: "N",
    help: "streams opened a second; 0: all at once",
    schema: integer(0, 1_000_000),
    default: 1_000,
  },
  source: { value: "IP,…", help: "addresses to connect from, in turn", schema: list, default: [] },
  opening: {
    value: "N",
    help: "streams that wait for their answer at once; 0: any number",
    schema: integer(0, MAX_U31),
    default: 0,
  },
  reopen: { help: "open lost streams again, as browsers do", schema: flag, default: false },
  processes: { value: "K", help: "processes that share the work", schema: integer(1, 256), default: 1 },
  seconds: { value: "S", help: "end after so long (on Ctrl-C)", schema: integer(1, MAX_SECONDS) },
  messages: { value: "N", help: "messages in all", schema: integer(1, MAX_U31), default: 1_000 },
  interval: {
    value: "MS[-MS]",
    help: "pause of each sender between two messages",
    schema: text,
    default: "100",
  },
  max: { value: "USERS", help: "random ids from 1 to this", schema: integer(1, MAX_U31), default: 10_000 },
  senders: { value: "K", help: "senders at once", schema: integer(1, 100_000), default: 1 },
  to: {
    value: "KIND",
    help: "event (to followers) or user (straight to them)",
    schema: oneOf(["event", "user"]),
    default: "event",
  },
  path: {
    value: "KIND",
    help: "stream (NDJSON) or test (the article's text)",
    schema: oneOf(["stream", "test"]),
    default: "stream",
  },
  report: { value: "DIR", help: "where the report goes", schema: text, default: "encke-million" },
  verify: { help: "open streams, and check loss, duplicates and order", schema: flag, default: false },
  streams: { value: "N", help: "streams that --verify opens", schema: integer(1, 19_000), default: 100 },
};

/** Every name that means something to some command. */
export const everySetting: AnySettings = {
  ...commonSettings,
  ...natsSettings,
  ...edgeSettings,
  ...ownSettings,
  ...observeSettings,
};

/** The NATS server that the settings name. */
export function natsConfigOf(values: NatsValues): NatsConfig {
  return {
    url: values.natsUrl ?? DEFAULT_NATS_URL,
    user: values.natsUser,
    password: values.natsPassword,
    token: values.natsToken,
    creds: values.natsCreds,
    nkey: values.natsNkey,
    ca: values.natsCa,
    cert: values.natsCert,
    key: values.natsKey,
  };
}
