// What one delivery costs the whole pipeline, flat out: a generated graph whose users are all online, events of random
// authors as fast as they can be published, and the CPU of broker, graph service and edge for every copy that reached
// a stream. Both fan-out modes in turn, twice. `node dist/bench/delivery.js [--streams 19000] [--events 30000] [--pool KIND]`

import { join } from "node:path";
import { parseArgs } from "node:util";
import { FANOUT_MODES, type FanoutMode } from "../broker/index.ts";
import { EnckeCommand } from "../test/support/command.ts";
import { Services } from "../test/support/services.ts";
import { tempDir } from "../test/support/temp-dir.ts";
import { waitFor } from "../test/support/wait-for.ts";
import { cpuSeconds } from "./support/process-figures.ts";
import { report } from "./support/report.ts";

const ROUNDS = 2;
const OPEN_MS = 120_000;
const DELIVER_MS = 300_000;

const { values } = parseArgs({
  options: {
    streams: { type: "string", default: "19000" },
    events: { type: "string", default: "30000" },
    pool: { type: "string", default: "native" },
  },
});
const { streams, events, pool } = values;

const friendships = join(tempDir(), "friendships.txt");
await EnckeCommand.run(["graph", "generate", "--users", streams, "--edges", "15", "--out", friendships]);
for (let round = 0; round < ROUNDS; round += 1)
  for (const fanout of round % 2 === 0 ? FANOUT_MODES : FANOUT_MODES.toReversed()) await measure(fanout);

async function measure(fanout: FanoutMode): Promise<void> {
  const edge = ["--pool", pool];
  const services = await Services.start({ broker: "nats-server", fanout, friendships, edge });
  const flood = await EnckeCommand.start(
    [
      ...["flood", "--url", new URL("/stream?user=", services.edge).href, "--connections", streams],
      ...["--rate", "4000", "--seconds", "600"],
    ],
    /^/,
  );
  try {
    const opened = async (): Promise<boolean> => (await metric(services, "encke_edge_streams")) === +streams;
    await waitFor("every stream to be open", opened, OPEN_MS);
    const cpuBefore = cpuOf(services);
    const startedAt = performance.now();
    await services.encke("msggen", "--messages", events, "--interval", "0", "--max", streams);
    const delivered = await untilStill(services);
    const seconds = (performance.now() - startedAt) / 1000;
    const cpu = Object.entries(cpuOf(services)).map(([name, spent]): [string, number] => [
      name,
      Number((((spent - (cpuBefore[name] ?? 0)) * 1e6) / delivered).toFixed(2)),
    ]);
    report("delivery", {
      ...{ fanout, pool, streams: +streams, events: +events, delivered },
      "recipients an event": Number((delivered / +events).toFixed(1)),
      "deliveries a second": Math.round(delivered / seconds),
      "CPU µs a delivery": Object.fromEntries(cpu),
      "in all": Number(cpu.reduce((sum, [, spent]) => sum + spent, 0).toFixed(2)),
    });
  } finally {
    await flood.stop();
    await services.stop();
  }
}

/** Everything delivered, once every event has been expanded and nothing more arrives. */
async function untilStill(services: Services): Promise<number> {
  let [last, still] = [-1, 0];
  const isStill = async (): Promise<boolean> => {
    const delivered = await metric(services, "encke_edge_delivered_total");
    still = delivered === last ? still + 1 : 0;
    last = delivered;
    return still >= 100 && delivered > 0;
  };
  await waitFor("the last delivery", isStill, DELIVER_MS);
  return last;
}

async function metric(services: Services, name: string): Promise<number> {
  const text = await (await fetch(new URL("/metrics", services.admin))).text();
  return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1]);
}

function cpuOf({ pids }: Services): Record<string, number> {
  return Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, cpuSeconds(pid)]));
}
