// The result of a soak: a verdict with its reasons, as JSON for programs and as a page with a chart for
// people.

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "../../lib/make-folder.ts";
import { articleReferences, memoryChart } from "./memory-chart.ts";
import { writePicture } from "./picture.ts";
import { readBy, type SoakPlan, type SoakRun } from "./soak.ts";
import { judgeTrend, type Trend } from "./trend.ts";

export interface SoakVerdict {
  readonly seconds: number;
  readonly connections: number;
  /** Streams that closed unexpectedly. */
  readonly closed: number;
  readonly sent: number;
  readonly delivered: number;
  readonly read: number;
  readonly lost: number;
  readonly duplicated: number;
  /** Messages that were not sent because NATS was unreachable. */
  readonly refused: number;
  readonly restarts: number;
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly max: number } | undefined;
  readonly memory: Readonly<Record<string, Trend>>;
  /** Descriptions of all problems; empty for a good run. */
  readonly problems: readonly string[];
}

const KB_A_MB = 1_024;

/** @param warmUpSeconds time at the start that is not judged; by default half of the run */
export function judgeSoak(plan: SoakPlan, run: SoakRun, warmUpSeconds: number | undefined): SoakVerdict {
  const fromMs = warmUpSeconds === undefined ? undefined : run.loadedAtMs + warmUpSeconds * 1000;
  const memory = Object.fromEntries(
    [...run.samples].map(([name, samples]) => [name, judgeTrend(samples, fromMs)]),
  );
  const { latencyMs, closed } = run.clients;
  const read = readBy(run.clients);
  const figures = {
    seconds: Math.round(run.seconds),
    connections: plan.connections,
    closed,
    sent: run.sent.messages,
    delivered: run.delivered,
    read,
    lost: Math.max(0, run.sent.messages - read),
    duplicated: Math.max(0, read - run.sent.messages),
    refused: run.sent.refused,
    restarts: run.restarts,
    latencyMs: latencyMs && { p50: latencyMs.p50, p99: latencyMs.p99, max: latencyMs.max },
  };
  const leaks = Object.entries(memory)
    .filter(([, { verdict }]) => verdict === "leaks")
    .map(([name, trend]) => `${name} leaks: ${slopeText(trend)}`);
  const losses = (["lost", "duplicated", "refused", "closed", "restarts"] as const)
    .filter((key) => figures[key] > 0)
    .map((key) => `${figures[key]} ${PROBLEMS[key]}`);
  return { ...figures, memory, problems: [...leaks, ...losses] };
}

const PROBLEMS = {
  lost: "messages lost",
  duplicated: "more messages read than sent",
  refused: "messages not sent because NATS was unreachable",
  closed: "streams closed unexpectedly",
  restarts: "services ended and were restarted",
};

/** Creates the folder and removes the report of an earlier run. */
export async function prepareReport(folder: string, names: Iterable<string>): Promise<void> {
  await makeFolder(folder);
  for (const name of names) rmSync(join(folder, `${name}.tsv`), { force: true });
}

/** Writes report.md, memory.svg and memory.png. */
export async function writeReport(
  folder: string,
  {
    plan,
    run,
    verdict,
    description,
  }: { plan: SoakPlan; run: SoakRun; verdict: SoakVerdict; description: string },
): Promise<void> {
  const connections = plan.connections.toLocaleString("en");
  const rate = plan.rate.toLocaleString("en");
  const chart = memoryChart(
    [...run.samples].map(([label, samples]) => ({ label, samples })),
    {
      title: `${connections} streams, ${rate} messages per second to random users`,
      notes: [
        description,
        "Horizontal lines: processes of the 2008 article with 10,000 connections, not scaled.",
      ],
      references: articleReferences("measured", plan.connections),
    },
  );
  await writePicture(join(folder, "memory.svg"), chart);
  await writePicture(join(folder, "memory.png"), chart);
  writeFileSync(join(folder, "report.md"), pageOf(plan, run, verdict, description));
}

function pageOf(plan: SoakPlan, run: SoakRun, verdict: SoakVerdict, description: string): string {
  const { latencyMs, memory } = verdict;
  const n = (value: number): string => value.toLocaleString("en", { maximumFractionDigits: 1 });
  const rows = Object.entries(memory).map(([name, trend]) => {
    const { threshold, medianKb, minutes, samples } = trend;
    return `| ${name} | ${trend.verdict} | ${n(medianKb / KB_A_MB)} MB | ${slopeText(trend)} | ${n(threshold)} | ${n(minutes)} min, ${samples} samples |`;
  });
  const edgeKb = memory.edge?.medianKb ?? 0;
  const emptyKb = run.samples.get("edge")?.[0]?.anonKb ?? 0;
  const perStream = (kb: number): string => `${(kb / plan.connections).toFixed(2)} KB`;
  return `# Soak: ${n(plan.connections)} streams, ${n(plan.rate)} messages per second, ${n(verdict.seconds)} s

**${headlineOf(verdict)}**

${description}; ${plan.generators} generators. Node ${process.version}.

![Memory over time](memory.svg)

| process | verdict | its own memory | slope, KB a minute (95 %) | a leak is above | judged |
| --- | --- | --- | --- | --- | --- |
${rows.join("\n")}

The edge's process memory is ${perStream(edgeKb)} a stream, and ${perStream(edgeKb - emptyKb)} above what it was before the first one. Its own memory is the part of PSS that is no file. The slope is Theil and Sen's, of block medians of
the judged part; a process leaks when even the lower end of its interval is above the threshold and it ends higher than it ever was, levels off when the
upper end is not, and is undecided in between.

| messages | |
| --- | --- |
| sent | ${n(verdict.sent)} |
| handed to streams by the edge | ${n(verdict.delivered)} |
| read by the clients | ${n(verdict.read)} |
| lost / more than sent | ${n(verdict.lost)} / ${n(verdict.duplicated)} |
| latency p50 / p99 / max | ${latencyMs ? `${n(latencyMs.p50)} / ${n(latencyMs.p99)} / ${n(latencyMs.max)} ms` : "-"} |
| streams that ended by themselves | ${n(verdict.closed)} |
`;
}

function headlineOf({ problems, memory }: SoakVerdict): string {
  if (problems.length > 0) return problems.join("; ");
  const undecided = Object.keys(memory).filter((name) => memory[name]?.verdict === "undecided");
  if (undecided.length === 0) return "Everything is fine: memory levels off, and nothing was lost.";
  return `Nothing was lost. Whether memory levels off is undecided (${undecided.join(", ")}): run longer.`;
}

function slopeText({ slope }: Trend): string {
  if (slope === undefined) return "too few samples";
  const n = (value: number): string => value.toLocaleString("en", { maximumFractionDigits: 1 });
  return `${n(slope.perUnit)} (${n(slope.low)} to ${n(slope.high)})`;
}
