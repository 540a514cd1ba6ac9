// The settings of the product's own commands, each declared once; a command picks those that it takes. Those
// of NATS are declared in broker/, those of an edge in edge/, and those of the load tools in load/.

import { MAX_PARTITIONS } from "../broker/contract.ts";
import { isVersion } from "../broker/index.ts";
import {
  DEFAULT_ROW_MEMORY_MB,
  EXPORT_KINDS,
  type ExportKind,
  LOAD_KINDS,
  type LoadKind,
  Partitions,
} from "../graph/index.ts";
import { messageOf } from "../lib/errors.ts";
import { durationMs, flag, integer, oneOf, port as portSchema, text, waitMs } from "../lib/schemas.ts";
import type { Setting } from "../lib/settings.ts";

const MAX_U31 = 2_147_483_647;

export const port: Setting<number | undefined> = {
  value: "N",
  help: "port to listen on",
  schema: portSchema,
};
export const listen: Setting<string | undefined> = {
  value: "unix:PATH",
  help: "UNIX socket to listen on instead of an address",
  schema: text,
};
export const data: Setting<string> = {
  value: "DIR",
  help: "folder of the graph",
  schema: text,
  default: "encke-data",
};
export const rowMemory: Setting<number> = {
  value: "MB",
  help: "maximum memory for rows of subscribers; others are read from disk (0: no maximum)",
  schema: integer(0, 2_047),
  default: DEFAULT_ROW_MEMORY_MB,
};
export const partition: Setting<number> = {
  value: "P",
  help: "partition to read; an undivided graph has only partition 0",
  schema: integer(0, MAX_PARTITIONS - 1),
  default: 0,
};
export const partitions: Setting<Partitions> = {
  value: "P/N",
  help: "the partitions to own, and their total: 0-3/16, 2/4 or 0,2,5-7/16",
  schema: text.transform((given, { addIssue }) => {
    try {
      return Partitions.parse(given);
    } catch (error) {
      addIssue({ code: "custom", message: messageOf(error) });
      return Partitions.whole;
    }
  }),
  default: Partitions.whole,
};
export const printConfig: Setting<boolean> = {
  help: "print the configuration that your own nats-server needs for --partitions and --jetstream, and exit",
  schema: flag,
  default: false,
};
export const jetstream: Setting<string | undefined> = {
  value: "DIR",
  help: "folder in which the nats-server stores streams, for durable intake (absent: no JetStream)",
  schema: text,
};
export const serverVersion: Setting<string | undefined> = {
  value: "V",
  help: "version of the nats-server to print a configuration for (the one found on this machine, else a current one)",
  schema: text.refine(isVersion, { error: "expected a version such as 2.15.3" }),
};
export const users: Setting<number> = {
  value: "N",
  help: "users of the demo graph, which is created at the first start",
  schema: integer(1, MAX_U31),
  default: 10_000,
};
export const embedded: Setting<boolean> = {
  help: "use the embedded broker even if a nats-server is installed",
  schema: flag,
  default: false,
};
export const edges: Setting<number> = {
  value: "N",
  help: "number of friends that each new user chooses",
  schema: integer(1, 10_000),
  default: 15,
};
export const seed: Setting<number> = {
  value: "N",
  help: "seed of the graph; the same seed gives the same graph",
  schema: integer(0, Number.MAX_SAFE_INTEGER),
  default: 1,
};
export const out: Setting<string | undefined> = {
  value: "FILE",
  help: "output file (standard output)",
  schema: text,
};
export const as: Setting<LoadKind> = {
  value: "KIND",
  help: `meaning of a line: ${LOAD_KINDS.join(", ")}`,
  schema: oneOf(LOAD_KINDS),
  default: "friendships",
};
export const muted: Setting<string | undefined> = {
  value: "FILE",
  help: "file of subscribers who muted a topic, as an export writes it",
  schema: text,
};
export const blocked: Setting<string | undefined> = {
  value: "FILE",
  help: "file of users who are blocked from a topic, as an export writes it",
  schema: text,
};
export const strict: Setting<boolean> = {
  help: "stop at the first malformed line",
  schema: flag,
  default: false,
};
export const file: Setting<string | undefined> = {
  value: "FILE",
  help: "file of many changes, one `SUBSCRIBER TOPIC` per line",
  schema: text,
};
export const after: Setting<number> = {
  value: "SEQ",
  help: "print the changes after this number",
  schema: integer(0, Number.MAX_SAFE_INTEGER),
  default: 0,
};
export const only: Setting<ExportKind> = {
  value: "KIND",
  help: `relations to write: ${EXPORT_KINDS.join(", ")}`,
  schema: oneOf(EXPORT_KINDS),
  default: "followers",
};
export const sub: Setting<string | undefined> = { value: "USER", help: "user of the token", schema: text };
export const ttl: Setting<number> = {
  value: "TIME",
  help: "validity of the token",
  schema: durationMs,
  default: 3_600_000,
  defaultText: "1h",
};
export const timeout: Setting<number> = {
  value: "TIME",
  help: "maximum time to wait for the reply",
  schema: waitMs,
  default: 2_000,
  defaultText: "2s",
};
export const connections: Setting<number> = {
  value: "N",
  help: "connections to hold, with both ends on this machine",
  schema: integer(1, MAX_U31),
  default: 1_000_000,
};
