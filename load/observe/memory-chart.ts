// The chart of memory logs: process and kernel memory over time, connections on a second axis, and reference
// lines. Several logs share the axes, and each starts at time 0.

import { CommandError } from "../../lib/command-error.ts";
import { quote } from "../../lib/errors.ts";
import type { Chart, ChartLine, ChartPoint, ChartReference } from "../charts/chart.ts";
import type { ArticleKind } from "../settings.ts";
import type { MemorySample } from "./memory-sample.ts";

export interface LabelledLog {
  readonly label: string;
  readonly samples: readonly MemorySample[];
}

/** 1,024 × 1,024 bytes, as in the article and in /proc. */
const KB_A_MB = 1_024;
/** The article's figures, for its 10,000 connections or scaled to `connections`. */
const ARTICLE_CONNECTIONS = 10_000;
const ARTICLE: readonly ChartReference[] = [
  { label: "2008, first version", value: 450 },
  { label: "2008, 24 hours, levelled off", value: 250 },
  { label: "2008, hibernating", value: 78 },
];

/** The lines that are drawn for a log. */
const KINDS: readonly {
  readonly name: string;
  readonly axis: ChartLine["axis"];
  readonly stroke: NonNullable<ChartLine["stroke"]>;
  readonly valueIn: (sample: MemorySample) => number | undefined;
}[] = [
  { name: "process memory (PSS)", axis: "left", stroke: "solid", valueIn: ({ pssKb }) => pssKb / KB_A_MB },
  {
    name: "kernel memory, whole machine",
    axis: "left",
    stroke: "dashed",
    valueIn: ({ kernelKb }) => kernelKb && kernelKb / KB_A_MB,
  },
  { name: "connections", axis: "right", stroke: "dotted", valueIn: ({ connections }) => connections },
];

export function memoryChart(
  logs: readonly LabelledLog[],
  {
    title,
    notes = [],
    references,
  }: { title: string; notes?: readonly string[]; references: readonly ChartReference[] },
): Chart {
  const lines = KINDS.flatMap((kind, place) => {
    const known = logs.flatMap((log, index) => {
      const points = log.samples.map(
        (sample): ChartPoint => [secondsInto(log.samples, sample), kind.valueIn(sample) ?? Number.NaN],
      );
      return points.some(([, value]) => Number.isFinite(value)) ? [{ label: log.label, points, index }] : [];
    });
    // a line that only one of several logs has needs no log's name in its label, but a color of its own
    const shared = logs.length > 1 && known.length > 1;
    return known.map(
      ({ label, points, index }): ChartLine => ({
        label: shared ? `${label}: ${kind.name}` : kind.name,
        points,
        axis: kind.axis,
        stroke: kind.stroke,
        color: shared ? index : logs.length - 1 + place,
      }),
    );
  });
  return { title, notes, left: "memory, MB", right: "connections", lines, references };
}

/** The article's figures, at its 10,000 connections or as many times as large as `connections` is. */
export function articleReferences(kind: ArticleKind, connections: number): ChartReference[] {
  const factor = kind === "scaled" ? connections / ARTICLE_CONNECTIONS : 1;
  const how =
    kind === "scaled"
      ? `× ${connections.toLocaleString("en")} / 10,000 connections`
      : "for 10,000 connections";
  return ARTICLE.map(({ label, value }) => ({
    label: `${label}: ${value} MB ${how}`,
    value: value * factor,
  }));
}

/** Parses `label=MB`. @throws CommandError USAGE */
export function parseReference(given: string): ChartReference {
  const at = given.lastIndexOf("=");
  const value = Number(given.slice(at + 1));
  if (at > 0 && given.length > at + 1 && value >= 0) return { label: given.slice(0, at), value };
  throw new CommandError("USAGE", `--reference ${quote(given)}: expected LABEL=MB, such as "before=450"`);
}

/** Returns the maximum number of connections in any of the logs. */
export function mostConnections(logs: readonly LabelledLog[]): number {
  let most = 0;
  for (const { samples } of logs)
    for (const { connections = 0 } of samples) if (connections > most) most = connections;
  return most;
}

function secondsInto(samples: readonly MemorySample[], { timeMs }: MemorySample): number {
  return (timeMs - (samples[0]?.timeMs ?? timeMs)) / 1000;
}
