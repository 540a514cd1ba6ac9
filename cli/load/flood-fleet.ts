// The flood's processes: a process may open only so many descriptors, so many streams need several. Each gets its
// share of the addresses and of the rate; their counts are added up here. They end with this process.

import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { FloodCounts, FloodPlan } from "./flood.ts";
import { Latency, type LatencyMs } from "./latency.ts";

const PROGRAM: string = fileURLToPath(
  new URL("../flood-worker" + import.meta.url.slice(-3), import.meta.url),
);
const REPORT_MS = 5_000;

export type ToFloodWorker = { readonly type: "open"; readonly plan: FloodPlan } | { readonly type: "report" };
export interface FloodReport {
  readonly counts: FloodCounts;
  readonly problems: readonly string[];
  readonly latency: string;
  /** Every stream was begun. */
  readonly opened: boolean;
}

export interface FloodTotal extends FloodCounts {
  readonly opened: boolean;
  readonly problems: readonly string[];
  readonly latencyMs: LatencyMs | undefined;
}

export class FloodFleet {
  readonly #children: ChildProcess[] = [];

  constructor(plan: FloodPlan, processes: number) {
    for (let index = 0; index < processes; index += 1) {
      const child = fork(PROGRAM, { execArgv: [...process.execArgv, "--max-semi-space-size=1"] });
      const urls = plan.urls.filter((_, position) => position % processes === index);
      child.send({
        type: "open",
        plan: { ...plan, urls, rate: plan.rate / processes },
      } satisfies ToFloodWorker);
      this.#children.push(child);
    }
  }

  /** All processes' counts together. A process that does not answer counts as not opened. */
  async total(): Promise<FloodTotal> {
    const reports = await Promise.all(this.#children.map(ask));
    const counts: FloodCounts = { active: 0, closed: 0, failed: 0, chunks: 0, bytes: 0 };
    const latency = new Latency();
    for (const report of reports) {
      if (report === undefined) continue;
      for (const key of Object.keys(counts) as (keyof FloodCounts)[]) counts[key] += report.counts[key];
      latency.add(report.latency);
    }
    return {
      ...counts,
      opened: reports.every((report) => report?.opened === true),
      problems: reports.flatMap((report) => report?.problems ?? []),
      latencyMs: latency.ms,
    };
  }

  /** Ends every process and waits until they are gone. */
  async close(): Promise<void> {
    await Promise.all(
      this.#children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const gone = new Promise((resolve) => child.once("exit", resolve));
        child.kill("SIGTERM");
        await gone;
      }),
    );
  }
}

function ask(child: ChildProcess): Promise<FloodReport | undefined> {
  if (!child.connected) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const done = (report: FloodReport | undefined): void => {
      clearTimeout(timer);
      child.removeListener("message", done);
      resolve(report);
    };
    const timer = setTimeout(() => done(undefined), REPORT_MS);
    child.once("message", done);
    child.send({ type: "report" } satisfies ToFloodWorker);
  });
}
