// The program of one edge worker process. It does what its supervisor says (edge/workers/fleet.ts) and ends with it.

import { Edge, type FromWorker, type MetricReport, type ToWorker } from "../edge/index.ts";
import { codeOf } from "../lib/errors.ts";
import { guardStandardError } from "../lib/guard.ts";
import { createLogger } from "../lib/log.ts";
import { createMetrics } from "../lib/metrics.ts";
import { collectWhenQuiet } from "./collector.ts";
import { explain } from "./explain.ts";

/** After a drain's own deadline, what a supervisor that is still there would give us until it kills. */
const ORPHAN_SLACK_MS = 5_000;

const metrics = createMetrics();
const waiting = new AbortController();
let edge: Edge | undefined;
let drainMs = 0;

guardStandardError(process.exit);
process.on("message", (message: ToWorker) => void obey(message));
process.on("disconnect", endAsOrphan);
process.on("SIGTERM", () => void drain());
// Ctrl-C and a terminal that hangs up reach every process there: the supervisor drains us when it is our turn
for (const signal of ["SIGINT", "SIGHUP"] as const) process.on(signal, () => {});
collectWhenQuiet();
if (process.connected) void tell({ type: "loaded" });
else endAsOrphan();

async function obey(message: ToWorker): Promise<void> {
  if (message.type === "start") await start(message);
  else if (message.type === "drain") await drain();
  else await report();
}

async function start({ config }: Extract<ToWorker, { type: "start" }>): Promise<void> {
  const log = createLogger("edge", config.logLevel);
  drainMs = config.drainMs;
  const started = new Edge({
    config,
    log,
    metrics,
    signal: waiting.signal,
    onStatus: () => void tell({ type: "status", notReady: started.notReady ?? null }),
  });
  edge = started;
  try {
    await started.start();
    await tell({ type: "listening", port: started.port });
  } catch (error) {
    await tell({ type: "failed", code: codeOf(error) ?? "WORKER_FAILED", message: explain(error) });
    process.exit(1);
  }
}

async function drain(): Promise<void> {
  waiting.abort();
  await edge?.stop();
  await report(); // what it has counted outlives it
  process.exit(0);
}

/** Nothing is left that could kill a worker whose drain does not end. */
function endAsOrphan(): void {
  setTimeout(() => process.exit(1), drainMs + ORPHAN_SLACK_MS);
  void drain();
}

async function report(): Promise<void> {
  await tell({ type: "metrics", metrics: (await metrics.registry.getMetricsAsJSON()) as MetricReport[] });
}

/** Resolves when it is on its way; at once where the supervisor has gone. */
async function tell(message: FromWorker): Promise<void> {
  if (!process.connected) return;
  await new Promise<void>((resolve) => {
    process.send?.(message, undefined, undefined, () => resolve());
  });
}
