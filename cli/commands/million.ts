// encke million: the article's C1024K test on this machine: everything started by itself, a stream a user, messages,
// every stream's messages compared with the graph, and a report. Exit 1 when something failed or was lost.

import { defaultPoolKind } from "../../edge/index.ts";
import { integer, text } from "../../lib/schemas.ts";
import { pick, type Settings } from "../../lib/settings.ts";
import { type Command, type Context, defineCommand } from "../command.ts";
import { CliError } from "../errors.ts";
import { checkMachine } from "../load/checks.ts";
import { readMachine } from "../load/machine.ts";
import { planMillion } from "../load/million/plan.ts";
import { figuresOf, type MillionFigures, troubles, writeReport } from "../load/million/report.ts";
import { type MillionListener, runMillion } from "../load/million/run.ts";
import { runAsBatch } from "../load/million/scheduling.ts";
import { createProgress, type Progress } from "../progress.ts";
import { type EdgeValues, edgeSettings, type OwnValues, ownSettings } from "../settings.ts";
import { checkFolder, writing } from "../write-file.ts";
import { formatChecks, refuseWhatIsBad } from "./doctor.ts";

const MILLION = 1_000_000;
const MIN_CONNECTIONS = 1_000;
const MAX_CONNECTIONS = 10_000_000;
const SECONDS = 300;

interface MillionValues
  extends Pick<OwnValues, "connections" | "to" | "path" | "broker" | "seed" | "report" | "json">,
    Pick<EdgeValues, "pool" | "fanout"> {
  seconds: number;
  rate: number | undefined;
  data: string | undefined;
}

const settings: Settings<MillionValues> = {
  connections: {
    ...ownSettings.connections,
    schema: integer(MIN_CONNECTIONS, MAX_CONNECTIONS),
    default: MILLION,
  },
  seconds: { ...ownSettings.seconds, help: "how long to send", default: SECONDS },
  rate: {
    value: "N",
    help: "messages a second (16,666 to users or 1,000 events, for a million connections; fewer for fewer)",
    schema: integer(1, MILLION),
  },
  to: { ...ownSettings.to, default: "user" },
  data: { value: "DIR", help: "folder of a graph to keep and use again", schema: text },
  fanout: { ...edgeSettings.fanout, default: "frames" }, // the mode for a million
  ...pick(edgeSettings, "pool"),
  ...pick(ownSettings, "path", "broker", "seed", "report", "json"),
};

export const million: Command = defineCommand({
  name: "million",
  summary: "hold a million connections on this machine, send to them, check what arrives, report",
  settings,
  async run(context, { data, report, json, ...options }) {
    const pool = options.pool ?? defaultPoolKind();
    const machine = readMachine(context.env);
    const checks = checkMachine(machine, options.connections);
    if (checks.some(({ verdict }) => verdict !== "ok"))
      context.note(`encke: encke doctor says:\n${formatChecks(checks)}\n`);
    refuseWhatIsBad(checks, options.connections);
    await checkFolder("--report", report);
    const teller = new Teller(context);
    try {
      runAsBatch();
      const result = await runMillion(context, planMillion({ ...options, pool }, machine), data, teller);
      const figures = figuresOf(result);
      const path = await writing("--report", report, () => writeReport(report, result, figures));
      context.print(json ? JSON.stringify(figures) : summaryOf(figures, path));
      if (figures.ok) return;
      throw new CliError("CHECK_FAILED", `${troubles(figures)}: see ${path}`);
    } finally {
      teller.stop();
    }
  },
});

/** Phases as lines, and a bar within one that takes long. */
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
    this.#progress ??= createProgress("", what, total);
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
    `${n(figures.opened)} of ${n(figures.connections)} streams open after ${n(figures.openSeconds)} s, ${n(figures.closed)} ended by themselves`,
    `a connection: ${n(each.edge)} bytes of the edge, ${n(each.flood)} of the clients, ${n(each.kernel)} of the kernel for both ends`,
    `${n(figures.sentPerSecond)} messages a second of ${n(figures.askedPerSecond)}, ${n(figures.deliveriesPerSecond)} deliveries`,
    `latency ${latencyMs === undefined ? "-" : `p50 ${n(latencyMs.p50)} ms, p99 ${n(latencyMs.p99)} ms, max ${n(latencyMs.max)} ms`}`,
    `${n(figures.lost)} lost, ${n(figures.duplicated)} duplicated, ${n(figures.different)} streams different, of ${n(figures.expected)} deliveries`,
    `report: ${path}`,
  ].join("\n");
}
