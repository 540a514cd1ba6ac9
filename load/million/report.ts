// The result of a run, for people (Markdown with a chart) and for programs (one object of figures). All
// figures are computed here once, and so is whether the run passed.

import { writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { makeFolder } from "../../lib/make-folder.ts";
import { type Chart, type ChartLine, drawChart } from "../charts/chart.ts";
import type { LatencyMs } from "../flood/latency.ts";
import { type MemorySample, type Role, totalOf } from "./memory.ts";
import type { MillionResult } from "./run.ts";

/** Share of the requested rate below which the system did not keep up. */
const KEPT_UP = 0.98;
const MB = 1_000_000;
const GB = 1_000_000_000;

type CpuByRole = Readonly<Record<Role, number>>;

export interface MillionFigures {
  readonly connections: number;
  readonly opened: number;
  readonly failed: number;
  readonly retried: number;
  readonly closed: number;
  readonly resyncs: number;
  readonly openSeconds: number;
  readonly openedPerSecond: number;
  /** Bytes per connection with all streams open and idle, beyond the memory used before the first stream. */
  readonly bytesPerConnection: {
    /** Memory of the edge's processes, including what they allocate only once. */
    readonly edge: number;
    /** Memory of the clients' processes, all of it. */
    readonly flood: number;
    readonly broker: number;
    readonly graph: number;
    /** Memory of the kernel, for both ends. */
    readonly kernel: number;
  };
  /**
   * CPU seconds (user and system) by role: until all streams were open and had been idle for a while, and
   * from then to the end.
   */
  readonly cpuSeconds: { readonly open: CpuByRole; readonly load: CpuByRole };
  readonly memoryBytes: { readonly processes: number; readonly kernel: number; readonly taken: number };
  readonly to: "user" | "event";
  readonly askedPerSecond: number;
  readonly sentPerSecond: number;
  readonly keptUp: boolean;
  readonly messages: number;
  readonly deliveries: number;
  readonly deliveriesPerSecond: number;
  readonly latencyMs: LatencyMs | undefined;
  readonly expected: number;
  readonly lost: number;
  readonly duplicated: number;
  /** Streams with the expected number of messages, of which some are wrong. */
  readonly different: number;
  /** True if no stream failed or closed, and no message was lost, duplicated or wrong. */
  readonly ok: boolean;
  readonly problems: readonly string[];
}

export function figuresOf({
  plan,
  opened,
  failed,
  openSeconds,
  takenBytes,
  before,
  idle,
  after,
  load,
  flood,
  verdict,
}: MillionResult): MillionFigures {
  const { expected, lost, duplicated, different } = verdict;
  const { retried, closed, resyncs } = flood;
  const each = (role: Role): number => Math.round((idle.pss[role] - before.pss[role]) / Math.max(1, opened));
  const sentPerSecond = load.messages / load.seconds;
  return {
    connections: plan.connections,
    opened,
    failed,
    retried,
    closed,
    resyncs,
    openSeconds: rounded(openSeconds),
    openedPerSecond: Math.round(opened / openSeconds),
    bytesPerConnection: {
      edge: each("edge"),
      flood: each("flood"),
      broker: each("broker"),
      graph: each("graph"),
      kernel: Math.round(idle.kernelBytes / Math.max(1, opened)),
    },
    cpuSeconds: { open: cpuBetween(before, idle), load: cpuBetween(idle, after) },
    memoryBytes: { processes: totalOf(idle.pss), kernel: idle.kernelBytes, taken: takenBytes },
    to: plan.to,
    askedPerSecond: plan.rate,
    sentPerSecond: rounded(sentPerSecond),
    keptUp: sentPerSecond >= KEPT_UP * plan.rate,
    messages: load.messages,
    deliveries: load.deliveries,
    deliveriesPerSecond: rounded(load.deliveries / load.deliverySeconds),
    latencyMs: flood.latencyMs,
    expected,
    lost,
    duplicated,
    different,
    ok: failed + closed + lost + duplicated + different + load.refused === 0,
    problems: [...new Set(flood.problems)],
  };
}

/**
 * Writes report.md, memory.svg and figures.json, and returns the path of the Markdown file. @throws Node's
 * error
 */
export async function writeReport(
  folder: string,
  result: MillionResult,
  figures: MillionFigures,
): Promise<string> {
  await makeFolder(folder);
  writeFileSync(join(folder, "memory.svg"), drawChart(chartOf(result)));
  writeFileSync(
    join(folder, "figures.json"),
    `${JSON.stringify({ ...figures, samples: result.samples }, null, 2)}\n`,
  );
  const path = join(folder, "report.md");
  writeFileSync(path, markdownOf(result, figures));
  return path;
}

function chartOf({ samples, plan }: MillionResult): Chart {
  const line = (label: string, color: number, valueIn: (sample: MemorySample) => number): ChartLine => ({
    label,
    points: samples.map((sample) => [sample.seconds, valueIn(sample) / MB]),
    axis: "left",
    color,
  });
  return {
    title: `${plan.connections.toLocaleString("en")} connections on one machine`,
    notes: ["Processes: PSS. Kernel: growth since before the first connection, for both ends of each."],
    left: "memory, MB",
    right: "connections",
    lines: [
      line("kernel", 0, ({ kernelBytes }) => kernelBytes),
      line("edge workers", 1, ({ pss }) => pss.edge),
      line("flood processes", 2, ({ pss }) => pss.flood),
      line("broker, graph, this command", 3, ({ pss }) => pss.broker + pss.graph + pss.command),
      {
        label: "connections",
        points: samples.map(({ seconds, connections }) => [seconds, connections]),
        axis: "right",
        color: 6,
        stroke: "dashed",
      },
    ],
  };
}

function markdownOf(result: MillionResult, figures: MillionFigures): string {
  const { plan, broker, graphSeconds, idle, before, load, flood } = result;
  const { open, load: loaded } = figures.cpuSeconds;
  const { bytesPerConnection: each, latencyMs } = figures;
  const n = (value: number): string => value.toLocaleString("en", { maximumFractionDigits: 1 });
  const kb = (bytes: number): string => `${(bytes / 1_000).toFixed(2)} KB`;
  const roles: readonly (readonly [string, Role])[] = [
    ["edge workers", "edge"],
    ["flood processes (the clients)", "flood"],
    ["broker", "broker"],
    ["graph service", "graph"],
    ["this command, which supervises and sends", "command"],
  ];
  return `# ${n(plan.connections)} connections on one machine

${figures.ok ? "Everything opened, nothing was lost." : `**Not all went well**: ${troubles(figures)}.`}
${figures.keptUp ? "" : `The system did not keep up with ${n(plan.rate)} messages per second: it sustained ${n(figures.sentPerSecond)}.\n`}
${cpus().length} CPUs (${cpus()[0]?.model ?? "unknown"}), ${n(totalmem() / GB)} GB, Linux ${release()}, Node ${process.versions.node}; ${broker};
${plan.pool} pool, ${plan.fanout} fan-out, ${plan.path === "stream" ? "NDJSON" : "text"} streams, a heartbeat after ${plan.heartbeatMs / 1_000} s of silence; clients on the same machine.

![memory and connections over time](memory.svg)

## Connections

| | |
| --- | --- |
| opened | ${n(figures.opened)} of ${n(plan.connections)} in ${n(figures.openSeconds)} s (${n(figures.openedPerSecond)}/s) |
| failed | ${n(figures.failed)} (${n(figures.retried)} attempts were made again) |
| ended by themselves | ${n(figures.closed)} |
| graph | ${n(plan.graph.users)} users × ${plan.graph.friends}, seed ${plan.graph.seed}, ${n(graphSeconds)} s to make |

## Memory, all streams open and idle

| | processes | before | then | a connection | CPU to open | and to send |
| --- | --- | --- | --- | --- | --- | --- |
${roles
  .map(
    ([name, role]) =>
      `| ${name} | ${idle.processes[role]} | ${n(before.pss[role] / MB)} MB | ${n(idle.pss[role] / MB)} MB | ${role === "command" ? "-" : kb(each[role])} | ${n(open[role])} s | ${n(loaded[role])} s |`,
  )
  .join("\n")}
| kernel, both ends | | | ${n(idle.kernelBytes / MB)} MB | ${kb(each.kernel)} | | |

In all ${n(figures.memoryBytes.taken / MB)} MB less are available (MemAvailable) than before the run began: what the kernel
could give back when asked is not in that.

Processes in PSS. "A connection" is what was added, divided by the streams; for the clients it holds their whole
processes. The kernel's is the growth of what is neither free
nor cache nor a process's own, on the whole machine; with few connections it says little. Of it, ${n(idle.slabBytes / MB)} MB are slab; ${n(idle.sockets)} sockets in use, ${n(idle.socketBytes / MB)} MB in their buffers.

## Messages

| | |
| --- | --- |
| sent | ${n(load.messages)} in ${n(load.seconds)} s: ${n(figures.sentPerSecond)}/s of ${n(plan.rate)}/s, ${plan.to === "user" ? "each directly to one user" : "each to the author's followers"} |
| deliveries | ${n(load.deliveries)}: ${n(figures.deliveriesPerSecond)}/s |
| latency, from the sender to the reader | ${latencyMs === undefined ? "-" : `p50 ${n(latencyMs.p50)} ms, p99 ${n(latencyMs.p99)} ms, max ${n(latencyMs.max)} ms`} |
| lost, duplicated | ${n(figures.lost)}, ${n(figures.duplicated)} of ${n(figures.expected)} |
| streams with other messages than they must have | ${n(figures.different)} |
| resyncs received | ${n(flood.resyncs)} times |

Every stream's messages were compared with what the graph says it must receive: their number, and a sum of hashes of
author and number.
${figures.problems.length === 0 ? "" : `\n## Problems of clients\n\n${figures.problems.map((problem) => `- ${problem}`).join("\n")}\n`}`;
}

/** Describes what went wrong. */
export function troubles(figures: MillionFigures): string {
  const { failed, closed, lost, duplicated, different } = figures;
  const all = { failed, closed, lost, duplicated, different };
  return (
    Object.entries(all)
      .filter(([, count]) => count > 0)
      .map(([what, count]) => `${count.toLocaleString("en")} ${what}`)
      .join(", ") || "messages that NATS did not accept"
  );
}

function cpuBetween(first: MemorySample, second: MemorySample): CpuByRole {
  const roles = Object.entries(first.cpuSeconds) as [Role, number][];
  return Object.fromEntries(
    roles.map(([role, seconds]) => [role, rounded(second.cpuSeconds[role] - seconds)]),
  ) as CpuByRole;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
