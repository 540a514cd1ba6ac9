// The settings of the load tools, each declared once; a command picks those that it takes.

import { z } from "zod";
import { flag, integer, list, oneOf, text, waitMs } from "../lib/schemas.ts";
import type { Setting } from "../lib/settings.ts";

export const ARTICLE_KINDS = ["measured", "scaled"] as const;
export type ArticleKind = (typeof ARTICLE_KINDS)[number];

const MAX_U31 = 2_147_483_647;
/** The maximum of a timer in milliseconds is 23 days. */
const MAX_SECONDS = 2_000_000;
const MAX_PID = 4_194_304;

const pids: z.ZodType<readonly number[]> = z
  .union([z.array(z.number()), z.string().transform((given) => given.split(",").map(Number))])
  .refine((numbers) => numbers.every((n) => Number.isInteger(n) && n > 0 && n <= MAX_PID), {
    error: "expected process ids separated by commas",
  });

export const url: Setting<string> = {
  value: "URL",
  help: "URL of the edge",
  schema: text,
  default: "http://127.0.0.1:8080",
};
export const urls: Setting<string | undefined> = {
  value: "FILE",
  help: "file of URLs, one per line, instead of --url",
  schema: text,
};
export const connections: Setting<number> = {
  value: "N",
  help: "streams to open",
  schema: integer(1, MAX_U31),
  default: 100,
};
export const firstId: Setting<number> = {
  value: "N",
  help: "id of the first stream; the others count up from it",
  schema: integer(0, MAX_U31),
  default: 1,
};
export const rate: Setting<number> = {
  value: "N",
  help: "streams opened per second (0: all at once)",
  schema: integer(0, 1_000_000),
  default: 1_000,
};
export const source: Setting<readonly string[]> = {
  value: "IP,…",
  help: "source addresses, used in turn",
  schema: list,
  default: [],
};
export const opening: Setting<number> = {
  value: "N",
  help: "maximum number of streams that are being opened at the same time (0: no maximum)",
  schema: integer(0, MAX_U31),
  default: 0,
};
export const processes: Setting<number> = {
  value: "K",
  help: "processes that share the work",
  schema: integer(1, 256),
  default: 1,
};
export const reopen: Setting<boolean> = {
  help: "reopen lost streams, as browsers do",
  schema: flag,
  default: false,
};
export const seconds: Setting<number | undefined> = {
  value: "S",
  help: "seconds to run (until Ctrl-C)",
  schema: integer(1, MAX_SECONDS),
};
export const messages: Setting<number> = {
  value: "N",
  help: "number of messages",
  schema: integer(1, MAX_U31),
  default: 1_000,
};
export const interval: Setting<string> = {
  value: "MS[-MS]",
  help: "interval between two messages of a sender",
  schema: text,
  default: "100",
};
export const max: Setting<number> = {
  value: "USERS",
  help: "highest id; ids are chosen at random from 1 on",
  schema: integer(1, MAX_U31),
  default: 10_000,
};
export const senders: Setting<number> = {
  value: "K",
  help: "number of concurrent senders",
  schema: integer(1, 100_000),
  default: 1,
};
export const to: Setting<"event" | "user"> = {
  value: "KIND",
  help: "event (to the author's followers) or user (directly to one user)",
  schema: oneOf(["event", "user"]),
  default: "event",
};
export const verify: Setting<boolean> = {
  help: "open streams, and check for loss, duplicates and order",
  schema: flag,
  default: false,
};
export const streams: Setting<number> = {
  value: "N",
  help: "number of streams that --verify opens",
  schema: integer(1, 19_000),
  default: 100,
};
export const path: Setting<"stream" | "test"> = {
  value: "KIND",
  help: "stream (NDJSON) or test (the article's text)",
  schema: oneOf(["stream", "test"]),
  default: "stream",
};
export const data: Setting<string | undefined> = {
  value: "DIR",
  help: "folder in which the graph is kept for later runs",
  schema: text,
};
export const seed: Setting<number> = {
  value: "N",
  help: "seed of the graph; the same seed gives the same graph",
  schema: integer(0, Number.MAX_SAFE_INTEGER),
  default: 1,
};
export const report: Setting<string> = {
  value: "DIR",
  help: "folder of the report",
  schema: text,
  default: "encke-report",
};
export const out: Setting<string | undefined> = {
  value: "FILE",
  help: "output file (standard output)",
  schema: text,
};
export const svg: Setting<string | undefined> = { value: "FILE", help: "file for a chart", schema: text };
export const strict: Setting<boolean> = {
  help: "stop at the first malformed line",
  schema: flag,
  default: false,
};
export const pid: Setting<readonly number[]> = {
  value: "N,…",
  help: "ids of the processes to log",
  schema: pids,
  default: [],
};
export const admin: Setting<string | undefined> = {
  value: "URL",
  help: "admin port of an edge whose streams and processes are logged (http://127.0.0.1:9180)",
  schema: text,
};
export const logInterval: Setting<number | undefined> = {
  value: "TIME",
  help: "interval between two lines of the log (60s; in a short soak a 240th of it, at least 250ms)",
  schema: waitMs,
};
export const reference: Setting<readonly string[]> = {
  value: "LABEL=MB,…",
  help: "horizontal reference lines",
  schema: list,
  default: [],
};
export const article: Setting<ArticleKind | undefined> = {
  value: "KIND",
  help: "draw the 2008 article's 450, 250 and 78 MB for 10,000 connections, as measured or scaled to the logs' connections",
  schema: oneOf(ARTICLE_KINDS),
};
export const label: Setting<readonly string[]> = {
  value: "NAME,…",
  help: "labels of the logs (the names of their files)",
  schema: list,
  default: [],
};
export const title: Setting<string | undefined> = {
  value: "TEXT",
  help: "title of the chart",
  schema: text,
};
export const warmUp: Setting<number | undefined> = {
  value: "S",
  help: "seconds at the start that are not judged (half of the run)",
  schema: integer(0, MAX_U31),
};
export const generators: Setting<number> = {
  value: "N",
  help: "number of senders that share the rate",
  schema: integer(1, 10_000),
  default: 100,
};
