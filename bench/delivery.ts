// Measures what one delivery costs the whole pipeline at full speed: a generated graph whose users are all
// online, events of random authors published as fast as possible, and the CPU of broker, graph service and
// edge per copy that reached a stream. Alternates between both fan-out modes and the intakes, twice each.
// `node dist/bench/delivery.js [--streams 19000] [--events 30000] [--pool KIND] [--intake core]…`

import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { FANOUT_MODES, type FanoutMode } from "../broker/index.ts";
import { EnckeCommand } from "../test/support/command.ts";
import { Services } from "../test/support/services.ts";
import { tempDir } from "../test/support/temp-dir.ts";
import { readMetric } from "./support/metric.ts";
import { cpuSecondsByName } from "./support/process-figures.ts";
import { report, round } from "./support/report.ts";

const ROUNDS = 2;
const OPEN_MS = 120_000;
const DELIVER_MS = 300_000;
const LOOK_MS = 500;
/** Deliveries are complete when this many successive readings are equal. */
const STILL_LOOKS = 4;

type Intake = "core" | "jetstream";

const { values } = parseArgs({
  options: {
    streams: { type: "string", default: "19000" },
    events: { type: "string", default: "30000" },
    pool: { type: "string", default: "native" },
    intake: { type: "string", multiple: true, default: ["core"] },
  },
});
const { streams, events, pool } = values;

const friendships = join(tempDir(), "friendships.txt");
await EnckeCommand.run(["graph", "generate", "--users", streams, "--edges", "15", "--out", friendships]);
const kinds = FANOUT_MODES.flatMap((fanout) =>
  (values.intake as Intake[]).map((intake) => ({ fanout, intake })),
);
for (let turn = 0; turn < ROUNDS; turn += 1)
  for (const kind of turn % 2 === 0 ? kinds : kinds.toReversed()) await measure(kind);

async function measure({ fanout, intake }: { fanout: FanoutMode; intake: Intake }): Promise<void> {
  const edge = ["--pool", pool];
  const services = await Services.start({ broker: "nats-server", fanout, intake, friendships, edge });
  const flood = await EnckeCommand.start(
    [
      ...["flood", "--url", new URL("/stream?user=", services.edge).href, "--connections", streams],
      ...["--rate", "4000", "--seconds", "600"],
    ],
    /^/,
  );
  try {
    const opened = async (): Promise<boolean> =>
      (await readMetric(services.admin, "encke_edge_streams")) === +streams;
    await poll("every stream to be open", opened, OPEN_MS);
    const cpuBefore = cpuSecondsByName(services.pids);
    const startedAt = performance.now();
    await services.encke("msggen", "--messages", events, "--interval", "0", "--max", streams);
    const delivered = await untilStill(services);
    const seconds = (performance.now() - startedAt - LOOK_MS * STILL_LOOKS) / 1000;
    const cpu = Object.entries(cpuSecondsByName(services.pids)).map(([name, spent]): [string, number] => [
      name,
      round(((spent - (cpuBefore[name] ?? 0)) * 1e6) / delivered),
    ]);
    report("delivery", {
      ...{ fanout, intake, pool, streams: +streams, events: +events, delivered },
      "recipients an event": round(delivered / +events, 1),
      "deliveries a second": Math.round(delivered / seconds),
      "CPU µs a delivery": Object.fromEntries(cpu),
      "in all": round(cpu.reduce((sum, [, spent]) => sum + spent, 0)),
    });
  } finally {
    await flood.stop();
    await services.stop();
  }
}

/** Returns the number of deliveries after every event has been expanded and no more deliveries arrive. */
async function untilStill(services: Services): Promise<number> {
  let [last, still] = [-1, 0];
  const isStill = async (): Promise<boolean> => {
    const delivered = await readMetric(services.admin, "encke_edge_delivered_total");
    still = delivered === last ? still + 1 : 0;
    last = delivered;
    return still >= STILL_LOOKS && delivered > 0;
  };
  await poll("the last delivery", isStill, DELIVER_MS);
  return last;
}

/**
 * Polls rarely, because each reading costs the edge CPU that is being measured.
 * @throws Error after `ms`
 */
async function poll(what: string, condition: () => Promise<boolean>, ms: number): Promise<void> {
  const deadline = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${ms} ms in vain for ${what}`);
    await delay(LOOK_MS);
  }
}
