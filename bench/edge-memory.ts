// Process memory of an open stream at one edge worker: idle, and after ten messages each; from cold, after a warm-up
// of 1,000 streams, and in a second cycle. `node dist/bench/edge-memory.js [streams]`

import { BrokerClient } from "../broker/index.ts";
import { createLogger } from "../lib/log.ts";
import { EnckeCommand } from "../test/support/command.ts";
import { Services } from "../test/support/services.ts";
import { waitFor } from "../test/support/wait-for.ts";
import { settledPssKb } from "./support/process-figures.ts";
import { report } from "./support/report.ts";

const STREAMS = Number(process.argv[2] ?? 15_000);
const WARM_UP = 1_000;
const MESSAGES_EACH = 10;
const PAYLOAD = "m".repeat(99);

const services = await Services.start({ broker: "embedded" });
try {
  const { edge: pid } = services.pids;
  const cold = await settledPssKb(pid);
  await withStreams(services, WARM_UP, async () => {});
  const warm = await settledPssKb(pid);
  const first = await cycle(services);
  const emptied = await settledPssKb(pid);
  const second = await cycle(services);
  const each = (kb: number): number => Number((kb / STREAMS).toFixed(2));
  report("edge memory", {
    pool: "plain",
    fanout: "subject",
    streams: STREAMS,
    "KB a stream": {
      "idle, cold": each(first.idle - cold),
      "idle, warm": each(first.idle - warm),
      [`after ${MESSAGES_EACH} messages, cold`]: each(first.busy - cold),
      [`after ${MESSAGES_EACH} messages, warm`]: each(first.busy - warm),
      "second cycle, full over empty": each(second.busy - emptied),
    },
    "process KB": { start: cold, warm, idle: first.idle, busy: first.busy, emptied },
  });
} finally {
  await services.stop();
}

async function cycle(running: Services): Promise<{ idle: number; busy: number }> {
  let idle = 0;
  let busy = 0;
  await withStreams(running, STREAMS, async () => {
    idle = await settledPssKb(running.pids.edge);
    await sendToAll(running);
    busy = await settledPssKb(running.pids.edge);
  });
  return { idle, busy };
}

/** Holds so many streams for the length of `use`. */
async function withStreams(running: Services, count: number, use: () => Promise<void>): Promise<void> {
  const base = new URL("/stream?user=", running.edge).href;
  const args = ["flood", "--url", base, "--connections", String(count), "--rate", "4000", "--seconds", "600"];
  const flood = await EnckeCommand.start(args, /^/);
  await waitFor("every stream to be open", async () => (await openStreams(running)) === count, 120_000);
  await use();
  await flood.stop();
  await waitFor("every stream to be closed", async () => (await openStreams(running)) === 0, 60_000);
}

async function openStreams(running: Services): Promise<number> {
  return Number(/^encke_edge_streams (\d+)$/m.exec(await metrics(running))?.[1]);
}

async function sendToAll(running: Services): Promise<void> {
  const delivered = async (): Promise<number> =>
    Number(/^encke_edge_delivered_total (\d+)$/m.exec(await metrics(running))?.[1]);
  const before = await delivered();
  const client = await BrokerClient.connect(
    { url: running.nats },
    { name: "bench", log: createLogger("bench", "warn"), wait: false },
  );
  for (let round = 1; round <= MESSAGES_EACH; round += 1) {
    for (let user = 1; user <= STREAMS; user += 1) client.publish(`user.${user}`, PAYLOAD);
    await client.flush();
    await waitFor(
      "the round to be delivered",
      async () => (await delivered()) === before + round * STREAMS,
      60_000,
    );
  }
  await client.close();
}

async function metrics(running: Services): Promise<string> {
  return (await fetch(new URL("/metrics", running.admin))).text();
}
