// The settings of the product's own commands, each once and under its key; a command picks the ones that it takes. Those
// of NATS are declared in broker/, those of an edge in edge/, those of the proving commands in load/.

import { MAX_PARTITIONS } from "../broker/contract.ts";
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

export const port: Setting<number | undefined> = { value: "N", help: "port", schema: portSchema };
export const listen: Setting<string | undefined> = {
  value: "unix:PATH",
  help: "a UNIX socket instead of an address",
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
  help: "followers held in memory, at most so much of it; the others are read from disk (0: all)",
  schema: integer(0, 2_047),
  default: DEFAULT_ROW_MEMORY_MB,
};
export const partition: Setting<number> = {
  value: "P",
  help: "which part of a graph in partitions; an undivided graph is 0",
  schema: integer(0, MAX_PARTITIONS - 1),
  default: 0,
};
export const partitions: Setting<Partitions> = {
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
};
export const printConfig: Setting<boolean> = {
  help: "print what a nats-server of yours needs for --partitions, and end",
  schema: flag,
  default: false,
};
export const users: Setting<number> = {
  value: "N",
  help: "users of the demo graph, made at the first start",
  schema: integer(1, MAX_U31),
  default: 10_000,
};
export const embedded: Setting<boolean> = {
  help: "the embedded broker, whatever else is installed",
  schema: flag,
  default: false,
};
export const edges: Setting<number> = {
  value: "N",
  help: "friends that each newcomer chooses",
  schema: integer(1, 10_000),
  default: 15,
};
export const seed: Setting<number> = {
  value: "N",
  help: "same seed, same graph",
  schema: integer(0, Number.MAX_SAFE_INTEGER),
  default: 1,
};
export const out: Setting<string | undefined> = {
  value: "FILE",
  help: "where to write (standard output)",
  schema: text,
};
export const as: Setting<LoadKind> = {
  value: "KIND",
  help: `what a line means: ${LOAD_KINDS.join(", ")}`,
  schema: oneOf(LOAD_KINDS),
  default: "friendships",
};
export const muted: Setting<string | undefined> = {
  value: "FILE",
  help: "who of them is sent nothing, as an export writes it",
  schema: text,
};
export const blocked: Setting<string | undefined> = {
  value: "FILE",
  help: "who cannot follow, likewise",
  schema: text,
};
export const strict: Setting<boolean> = {
  help: "stop at the first line that is not an edge",
  schema: flag,
  default: false,
};
export const file: Setting<string | undefined> = {
  value: "FILE",
  help: "many, a `SUBSCRIBER TOPIC` a line",
  schema: text,
};
export const after: Setting<number> = {
  value: "SEQ",
  help: "changes behind this one",
  schema: integer(0, Number.MAX_SAFE_INTEGER),
  default: 0,
};
export const only: Setting<ExportKind> = {
  value: "KIND",
  help: `which relations: ${EXPORT_KINDS.join(", ")}`,
  schema: oneOf(EXPORT_KINDS),
  default: "followers",
};
export const sub: Setting<string | undefined> = { value: "USER", help: "whose token", schema: text };
export const ttl: Setting<number> = {
  value: "TIME",
  help: "how long it is valid",
  schema: durationMs,
  default: 3_600_000,
};
export const timeout: Setting<number> = {
  value: "TIME",
  help: "how long to wait for the answer",
  schema: waitMs,
  default: 2_000,
};
export const connections: Setting<number> = {
  value: "N",
  help: "connections to hold, both ends here",
  schema: integer(1, MAX_U31),
  default: 1_000_000,
};
