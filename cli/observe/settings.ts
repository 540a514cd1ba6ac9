// Settings of the commands that observe: memlog, plot, soak.

import { z } from "zod";
import { integer, list, oneOf, text, waitMs } from "../../lib/schemas.ts";
import type { Settings } from "../../lib/settings.ts";

export const ARTICLE_KINDS = ["measured", "scaled"] as const;
export type ArticleKind = (typeof ARTICLE_KINDS)[number];

export interface ObserveValues {
  pid: readonly number[];
  admin: string | undefined;
  interval: number | undefined;
  reference: readonly string[];
  article: ArticleKind | undefined;
  label: readonly string[];
  title: string | undefined;
  warmUp: number | undefined;
  generators: number;
  report: string;
}

const MAX_SECONDS = 2_147_483_647;
const MAX_PID = 4_194_304;
const pids: z.ZodType<readonly number[]> = z
  .union([z.array(z.number()), z.string().transform((given) => given.split(",").map(Number))])
  .refine((numbers) => numbers.every((n) => Number.isInteger(n) && n > 0 && n <= MAX_PID), {
    error: "expected process ids with commas",
  });

export const observeSettings: Settings<ObserveValues> = {
  pid: { value: "N,…", help: "log these processes and no others", schema: pids, default: [] },
  admin: {
    value: "URL",
    help: "admin port of the edge: its streams are counted, and it and its children logged (http://127.0.0.1:9180)",
    schema: text,
  },
  interval: {
    value: "TIME",
    help: "between two lines of the log (60s; of a soak shorter than that, a 240th, at least 250ms)",
    schema: waitMs,
  },
  reference: { value: "LABEL=MB,…", help: "horizontal lines to compare with", schema: list, default: [] },
  article: {
    value: "KIND",
    help: "the 2008 article's 450, 250 and 78 MB for 10,000 connections: as measured, or scaled to the logs' connections",
    schema: oneOf(ARTICLE_KINDS),
  },
  label: { value: "NAME,…", help: "names of the logs (those of the files)", schema: list, default: [] },
  title: { value: "TEXT", help: "the picture's title", schema: text },
  warmUp: {
    value: "S",
    help: "seconds under load that are not judged (half of the run)",
    schema: integer(0, MAX_SECONDS),
  },
  generators: { value: "N", help: "senders that share the rate", schema: integer(1, 10_000), default: 100 },
  report: { value: "DIR", help: "folder of the report", schema: text, default: "encke-soak" },
};
