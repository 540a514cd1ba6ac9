// The program of one edge worker process. It does what its supervisor says (edge/fleet.ts) and ends with it.

import { Edge, type FromWorker, type ToWorker } from "../edge/index.ts";
import { collectWhenQuiet } from "../lib/collector.ts";
import { codeOf } from "../lib/errors.ts";
import { createLogger } from "../lib/log.ts";
import { createMetrics } from "../lib/metrics.ts";
import { explain } from "./explain.ts";
import { guardStandardError } from "./guard.ts";

const metrics = createMetrics();
const waiting = new AbortController();
let edge: Edge | undefined;

guardStandardError();
process.on("message", (message: ToWorker) => void obey(message));
process.on("disconnect", () => void drain());
process.on("SIGTERM", () => void drain());
process.on("SIGINT", () => {}); // Ctrl-C reaches the whole terminal: the supervisor drains us when it is our turn
collectWhenQuiet();
tell({ type: "loaded" });

async function obey(message: ToWorker): Promise<void> {
  if (message.type === "start") await start(message);
  else if (message.type === "drain") await drain();
  else
    tell({ type: "metrics", request: message.request, metrics: await metrics.registry.getMetricsAsJSON() });
}

async function start({ config }: Extract<ToWorker, { type: "start" }>): Promise<void> {
  const log = createLogger("edge", config.logLevel);
  const started = new Edge({
    config,
    log,
    metrics,
    signal: waiting.signal,
    onStatus: () => tell({ type: "status", notReady: started.notReady ?? null }),
  });
  edge = started;
  try {
    await started.start();
    tell({ type: "listening", port: started.port });
  } catch (error) {
    tell({ type: "failed", code: codeOf(error) ?? "WORKER_FAILED", message: explain(error) });
    process.exit(1);
  }
}

async function drain(): Promise<void> {
  waiting.abort();
  await edge?.stop();
  process.exit(0);
}

function tell(message: FromWorker): void {
  if (process.connected) process.send?.(message);
}
