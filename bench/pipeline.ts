// Measures and verifies the whole pipeline: a generated graph of 10,000 users with 15 friends each, 2,000
// open streams and 20,000 events; reports what was lost, duplicated or out of order, and the cost of a
// delivery per process. Alternates between both brokers and both fan-out modes, twice each. `node
// dist/bench/pipeline.js [interval in ms] [pool]`

import { join } from "node:path";
import { EnckeCommand } from "../test/support/command.ts";
import { Services } from "../test/support/services.ts";
import { tempDir } from "../test/support/temp-dir.ts";
import { cpuSecondsByName } from "./support/process-figures.ts";
import { report, round } from "./support/report.ts";

const USERS = 10_000;
const ROUNDS = 2;
const [interval = "5", pool = "plain"] = process.argv.slice(2);

const friendships = join(tempDir(), "friendships.txt");
await EnckeCommand.run([
  "graph",
  "generate",
  "--users",
  String(USERS),
  "--edges",
  "15",
  "--out",
  friendships,
]);
for (let turn = 0; turn < ROUNDS; turn += 1) {
  for (const [broker, fanout] of [
    ["nats-server", "subject"],
    ["nats-server", "frames"],
    ["embedded", "subject"],
    ["embedded", "frames"],
  ] as const) {
    const services = await Services.start({ broker, fanout, friendships, edge: ["--pool", pool] });
    try {
      const before = cpuSecondsByName(services.pids);
      const { stdout, stderr, exit } = await services.encke(
        ...["msggen", "--verify", "--messages", "20000", "--senders", "10", "--interval", interval],
        ...["--max", String(USERS), "--streams", "2000", "--url", services.edge.href],
      );
      if (exit !== 0) throw new Error(stderr);
      const figures = JSON.parse(stdout) as { received: number };
      const perDelivery = Object.fromEntries(
        Object.entries(cpuSecondsByName(services.pids)).map(([name, seconds]) => [
          name,
          round(((seconds - (before[name] ?? 0)) * 1e6) / figures.received, 1),
        ]),
      );
      report("pipeline", {
        broker,
        fanout,
        pool,
        "interval ms": interval,
        ...figures,
        "CPU µs a delivery": perDelivery,
      });
    } finally {
      await services.stop();
    }
  }
}
