// encke million: the article's million-connection test on this machine. It starts everything, opens one
// stream per user, sends messages, compares every stream's messages with the graph, and writes a report.
// Exits 1 if something failed or a message was lost.

import { brokerKind } from "../../broker/index.ts";
import {
  checkMachine,
  defaultPoolKind,
  describeBad,
  edgeSettings,
  formatChecks,
  readMachine,
} from "../../edge/index.ts";
import { type Command, type Context, defineCommand, json, type Progress } from "../../lib/command.ts";
import { CommandError } from "../../lib/command-error.ts";
import { writing } from "../../lib/flag-files.ts";
import { integer } from "../../lib/schemas.ts";
import { pick } from "../../lib/settings.ts";
import { checkFolder } from "../check-folder.ts";
import { isNativeBuilt } from "../flood/native-readers.ts";
import { planMillion } from "../million/plan.ts";
import { figuresOf, type MillionFigures, troubles, writeReport } from "../million/report.ts";
import { type MillionListener, runMillion } from "../million/run.ts";
import { runAsBatch } from "../million/scheduling.ts";
import { connections, data, path, report, seconds, seed, to } from "../settings.ts";

const MILLION = 1_000_000;
const MIN_CONNECTIONS = 1_000;
const MAX_CONNECTIONS = 10_000_000;
const SECONDS = 300;

const settings = {
  connections: {
    ...connections,
    schema: integer(MIN_CONNECTIONS, MAX_CONNECTIONS),
    default: MILLION,
  },
  seconds: { ...seconds, help: "time to send messages", default: SECONDS },
  rate: {
    value: "N",
    help: "messages per second (for a million connections 16,666 to users or 1,000 events, and proportionally fewer for fewer connections)",
    schema: integer(1, MILLION),
  },
  to: { ...to, default: "user" },
  data,
  fanout: { ...edgeSettings.fanout, default: "frames" }, // the mode for this many streams
  ...pick(edgeSettings, "pool"),
  ...{ path, broker: brokerKind, seed, json },
  report: { ...report, default: "encke-million" },
};

export const million: Command = defineCommand({
  name: "million",
  summary: "hold a million connections on this machine, send to them, and verify every delivery",
  settings,
  async run(context, { data, report, json, ...options }) {
    const pool = options.pool ?? defaultPoolKind();
    const machine = readMachine(context.env, { flood: isNativeBuilt });
    const checks = checkMachine(machine, options.connections);
    if (checks.some(({ verdict }) => verdict !== "ok"))
      context.note(`encke: encke doctor reports:\n${formatChecks(checks)}\n`);
    const bad = describeBad(checks, options.connections);
    if (bad !== undefined) throw new CommandError("CHECK_FAILED", bad);
    await checkFolder("--report", report);
    const teller = new Teller(context);
    try {
      runAsBatch();
      const result = await runMillion(context, planMillion({ ...options, pool }, machine), data, teller);
      const figures = figuresOf(result);
      const path = await writing("--report", report, () => writeReport(report, result, figures));
      context.print(json ? JSON.stringify(figures) : summaryOf(figures, path));
      if (figures.ok) return;
      throw new CommandError("CHECK_FAILED", `${troubles(figures)}: see ${path}`);
    } finally {
      teller.stop();
    }
  },
});

/** Prints phases as lines, and shows a progress bar within a long phase. */
class Teller implements MillionListener {
  readonly #context: Context;
  #progress: Progress | undefined;

  constructor(context: Context) {
    this.#context = context;
  }

  phase(text: string): void {
    this.stop();
    this.#context.note(`encke: ${text}`);
  }

  progress(what: string, done: number, total: number): void {
    this.#progress ??= this.#context.progress("", what, total);
    this.#progress.update(done);
  }

  stop(): void {
    this.#progress?.stop();
    this.#progress = undefined;
  }
}

function summaryOf(figures: MillionFigures, path: string): string {
  const n = (value: number): string => value.toLocaleString("en", { maximumFractionDigits: 1 });
  const { bytesPerConnection: each, latencyMs } = figures;
  return [
    `${n(figures.opened)} of ${n(figures.connections)} streams open after ${n(figures.openSeconds)} s, ${n(figures.closed)} closed unexpectedly`,
    `per connection: ${n(each.edge)} bytes in the edge, ${n(each.flood)} in the clients, ${n(each.kernel)} in the kernel for both ends`,
    `${n(figures.sentPerSecond)} of ${n(figures.askedPerSecond)} messages per second, ${n(figures.deliveriesPerSecond)} deliveries`,
    `latency ${latencyMs === undefined ? "-" : `p50 ${n(latencyMs.p50)} ms, p99 ${n(latencyMs.p99)} ms, max ${n(latencyMs.max)} ms`}`,
    `${n(figures.lost)} lost, ${n(figures.duplicated)} duplicated, ${n(figures.different)} streams different, of ${n(figures.expected)} deliveries`,
    `report: ${path}`,
  ].join("\n");
}
