// The settings of the proving commands, each once and under its key; a command picks the ones that it takes.

import { z } from "zod";
import { flag, integer, list, oneOf, text, waitMs } from "../lib/schemas.ts";
import type { Setting } from "../lib/settings.ts";

export const ARTICLE_KINDS = ["measured", "scaled"] as const;
export type ArticleKind = (typeof ARTICLE_KINDS)[number];

const MAX_U31 = 2_147_483_647;
/** What a timer can count in milliseconds: 23 days. */
const MAX_SECONDS = 2_000_000;
const MAX_PID = 4_194_304;

const pids: z.ZodType<readonly number[]> = z
  .union([z.array(z.number()), z.string().transform((given) => given.split(",").map(Number))])
  .refine((numbers) => numbers.every((n) => Number.isInteger(n) && n > 0 && n <= MAX_PID), {
    error: "expected process ids with commas",
  });

export const url: Setting<string> = {
  value: "URL",
  help: "the edge",
  schema: text,
  default: "http://127.0.0.1:8080",
};
export const urls: Setting<string | undefined> = {
  value: "FILE",
  help: "one URL a line instead",
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
  help: "id of the first stream; they count up",
  schema: integer(0, MAX_U31),
  default: 1,
};
export const rate: Setting<number> = {
  value: "N",
  help: "streams opened a second; 0: all at once",
  schema: integer(0, 1_000_000),
  default: 1_000,
};
export const source: Setting<readonly string[]> = {
  value: "IP,…",
  help: "addresses to connect from, in turn",
  schema: list,
  default: [],
};
export const opening: Setting<number> = {
  value: "N",
  help: "streams that wait for their answer at once; 0: any number",
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
  help: "open lost streams again, as browsers do",
  schema: flag,
  default: false,
};
export const seconds: Setting<number | undefined> = {
  value: "S",
  help: "end after so long (on Ctrl-C)",
  schema: integer(1, MAX_SECONDS),
};
export const messages: Setting<number> = {
  value: "N",
  help: "messages in all",
  schema: integer(1, MAX_U31),
  default: 1_000,
};
export const interval: Setting<string> = {
  value: "MS[-MS]",
  help: "pause of each sender between two messages",
  schema: text,
  default: "100",
};
export const max: Setting<number> = {
  value: "USERS",
  help: "random ids from 1 to this",
  schema: integer(1, MAX_U31),
  default: 10_000,
};
export const senders: Setting<number> = {
  value: "K",
  help: "senders at once",
  schema: integer(1, 100_000),
  default: 1,
};
export const to: Setting<"event" | "user"> = {
  value: "KIND",
  help: "event (to followers) or user (straight to them)",
  schema: oneOf(["event", "user"]),
  default: "event",
};
export const verify: Setting<boolean> = {
  help: "open streams, and check loss, duplicates and order",
  schema: flag,
  default: false,
};
export const streams: Setting<number> = {
  value: "N",
  help: "streams that --verify opens",
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
  help: "folder of a graph to keep and use again",
  schema: text,
};
export const seed: Setting<number> = {
  value: "N",
  help: "same seed, same graph",
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
  help: "where to write (standard output)",
  schema: text,
};
export const svg: Setting<string | undefined> = { value: "FILE", help: "where a picture goes", schema: text };
export const strict: Setting<boolean> = {
  help: "stop at the first line that is not an edge",
  schema: flag,
  default: false,
};
export const pid: Setting<readonly number[]> = {
  value: "N,…",
  help: "log these processes and no others",
  schema: pids,
  default: [],
};
export const admin: Setting<string | undefined> = {
  value: "URL",
  help: "admin port of the edge: its streams are counted, and it and its children logged (http://127.0.0.1:9180)",
  schema: text,
};
export const logInterval: Setting<number | undefined> = {
  value: "TIME",
  help: "between two lines of the log (60s; of a soak shorter than that, a 240th, at least 250ms)",
  schema: waitMs,
};
export const reference: Setting<readonly string[]> = {
  value: "LABEL=MB,…",
  help: "horizontal lines to compare with",
  schema: list,
  default: [],
};
export const article: Setting<ArticleKind | undefined> = {
  value: "KIND",
  help: "the 2008 article's 450, 250 and 78 MB for 10,000 connections: as measured, or scaled to the logs' connections",
  schema: oneOf(ARTICLE_KINDS),
};
export const label: Setting<readonly string[]> = {
  value: "NAME,…",
  help: "names of the logs (those of the files)",
  schema: list,
  default: [],
};
export const title: Setting<string | undefined> = {
  value: "TEXT",
  help: "the picture's title",
  schema: text,
};
export const warmUp: Setting<number | undefined> = {
  value: "S",
  help: "seconds under load that are not judged (half of the run)",
  schema: integer(0, MAX_U31),
};
export const generators: Setting<number> = {
  value: "N",
  help: "senders that share the rate",
  schema: integer(1, 10_000),
  default: 100,
};
