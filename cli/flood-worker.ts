// The program of one flood process. It opens what it is told to, answers with its counts, and ends with its parent.

import { Flood } from "./load/flood.ts";
import type { FloodReport, ToFloodWorker } from "./load/flood-fleet.ts";

let flood: Flood | undefined;
let opened = false;

process.on("disconnect", () => process.exit(0));
process.on("SIGTERM", () => process.exit(0));
process.on("SIGINT", () => {}); // Ctrl-C reaches the whole terminal: the parent asks for the last counts first
process.on("message", (message: ToFloodWorker) => void obey(message));

async function obey(message: ToFloodWorker): Promise<void> {
  if (message.type === "open") {
    flood = new Flood(message.plan);
    await flood.open();
    opened = true;
    return;
  }
  if (flood === undefined) return;
  const { counts, problems, latency } = flood;
  process.send?.({
    counts,
    problems: [...problems],
    latency: latency.encode(),
    opened,
  } satisfies FloodReport);
}
