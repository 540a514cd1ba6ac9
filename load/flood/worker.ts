// The program of one flood process. It opens the streams of its plan, replies to requests for counts, and
// ends with its parent.

import { EnckeError } from "../../lib/errors.ts";
import { guardStandardError, LAST_WORDS_MS, stackOf } from "../../lib/guard.ts";
import { standardError } from "../../lib/output.ts";
import { Flood } from "./flood.ts";
import type { FromFloodWorker, ToFloodWorker } from "./flood-messages.ts";

let flood: Flood | undefined;
let opened = false;

guardStandardError(process.exit);
process.on("disconnect", () => process.exit(0));
process.on("SIGTERM", () => process.exit(0));
// Ctrl-C and a hangup of the terminal reach every process in it; the parent asks for the last counts first
for (const signal of ["SIGINT", "SIGHUP"] as const) process.on(signal, () => {});
process.on("message", (message: ToFloodWorker) => void receive(message));
if (!process.connected) process.exit(0); // its parent has gone

async function receive(message: ToFloodWorker): Promise<void> {
  if (message.type === "open") {
    flood = new Flood(message.plan);
    try {
      await flood.open();
    } catch (error) {
      const why = error instanceof EnckeError ? error.message : stackOf(error);
      standardError.writePatiently(`encke: ${why}\n`, LAST_WORDS_MS);
      process.exit(1);
    }
    opened = true;
    tell({ type: "opened" });
    return;
  }
  if (flood === undefined) return;
  const { request } = message;
  if (message.type === "digests") return tell({ request, digests: flood.digests });
  if (message.type === "counts") return tell({ request, counts: flood.counts, opened });
  const { counts, problems, latency } = flood;
  tell({
    request,
    counts,
    problems: [...problems],
    latency: latency.encode(),
    opened,
  });
}

function tell(message: FromFloodWorker): void {
  if (process.connected) process.send?.(message);
}
