// The program of one edge worker process. It is controlled by its supervisor (edge/workers/fleet.ts), and
// ends with it.

import { Edge, type FromWorker, type MetricReport, type ToWorker } from "../edge/index.ts";
import { codeOf } from "../lib/errors.ts";
import { guardStandardError } from "../lib/guard.ts";
import { createLogger } from "../lib/log.ts";
import { createMetrics } from "../lib/metrics.ts";
import { collectWhenQuiet } from "./collector.ts";
import { explain } from "./explain.ts";

/** Time after a drain's deadline until the process ends itself, as long as the supervisor would wait. */
const ORPHAN_SLACK_MS = 5_000;

const metrics = createMetrics();
const waiting = new AbortController();
let edge: Edge | undefined;
let drainMs = 0;

guardStandardError(process.exit);
process.on("message", (message: ToWorker) => void receive(message));
process.on("disconnect", endAsOrphan);
process.on("SIGTERM", () => void drain());
// Ctrl-C and a hangup of the terminal reach every process in it; the supervisor drains its workers when it is
// their turn
for (const signal of ["SIGINT", "SIGHUP"] as const) process.on(signal, () => {});
collectWhenQuiet();
if (process.connected) void tell({ type: "loaded" });
else endAsOrphan();

async function receive(message: ToWorker): Promise<void> {
  if (message.type === "start") await start(message);
  else if (message.type === "drain") await drain();
  else if (message.type === "slow") edge?.noteSlow(message.users);
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
    onSlow: (users) => void tell({ type: "slow", users }),
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
  await report(); // so that its counts survive it
  process.exit(0);
}

/** Ends this process if its drain does not: without a supervisor, nothing else would. */
function endAsOrphan(): void {
  setTimeout(() => process.exit(1), drainMs + ORPHAN_SLACK_MS);
  void drain();
}

async function report(): Promise<void> {
  await tell({ type: "metrics", metrics: (await metrics.registry.getMetricsAsJSON()) as MetricReport[] });
}

/** Sends a message. Resolves when it has been sent, or at once if the supervisor has gone. */
async function tell(message: FromWorker): Promise<void> {
  if (!process.connected) return;
  await new Promise<void>((resolve) => {
    process.send?.(message, undefined, undefined, () => resolve());
  });
}
