// Measures what a direct message costs the edge, the graph service and NATS together, in `frames` mode: in
// batches of 10,000, and one by one at a steady rate, for which latency is reported as well. The messages go
// to random readers of many. Several builds are measured in turn, each in fresh processes, so that their
// ratio does not depend on other load. `node dist/bench/direct.js [--main PATH]… [--streams 2000] [--rounds
// 3] [--rate 5000] [--seconds 8] [--fanout frames]`

import { join } from "node:path";
import { parseArgs } from "node:util";
import { BrokerClient } from "../broker/index.ts";
import { createLogger } from "../lib/log.ts";
import { projectRoot } from "../lib/project.ts";
import { Services } from "../load/index.ts";
import { cleanEnvironment } from "../test/support/command.ts";
import { natsServer } from "../test/support/nats-servers.ts";
import { tempDir } from "../test/support/temp-dir.ts";
import { waitFor } from "../test/support/wait-for.ts";
import { helloHttp } from "./peers/hello.ts";
import { CountingReader } from "./peers/reader.ts";
import { nextMessage } from "./peers/servers/drive.ts";
import { cpuSecondsByName } from "./support/process-figures.ts";
import { report, round } from "./support/report.ts";

const BATCH = 10_000;
const BATCHES = 8;
const WARM_UP_BATCHES = 4;
const ARRIVE_MS = 60_000;

const { values } = parseArgs({
  options: {
    main: { type: "string", multiple: true, default: [join(projectRoot, "dist/cli/main.js")] },
    streams: { type: "string", default: "2000" },
    rounds: { type: "string", default: "3" },
    rate: { type: "string", default: "5000" },
    seconds: { type: "string", default: "8" },
    fanout: { type: "string", default: "frames" },
  },
});
const [streams, rate, seconds] = [Number(values.streams), Number(values.rate), Number(values.seconds)];
const log = createLogger("bench", "warn");

for (let turn = 0; turn < Number(values.rounds); turn += 1)
  for (const main of turn % 2 === 0 ? values.main : values.main.toReversed()) await measure(main);

async function measure(main: string): Promise<void> {
  const services = await Services.start({
    encke: [process.execPath, main],
    broker: "nats-server",
    directory: join(tempDir(), "graph"),
    edge: ["--fanout", values.fanout],
    env: { ...cleanEnvironment(), NATS_SERVER: natsServer.binary },
    log,
    signal: new AbortController().signal,
  });
  const client = await BrokerClient.connect(services.nats, { name: "bench", log, wait: false });
  const reader = new CountingReader(Number(services.url.port), helloHttp("/stream?user={id}"), streams);
  const send = (): void => {
    client.publish(`user.${1 + Math.floor(Math.random() * streams)}`, nextMessage());
  };
  try {
    await waitFor("every stream", async () => (await reader.stats()).open === streams, ARRIVE_MS);
    await batches(WARM_UP_BATCHES, send, reader);
    const batch = await costOf(services, BATCH * BATCHES, () => batches(BATCHES, send, reader));
    await reader.reset();
    const paced = await costOf(services, rate * seconds, async () => {
      await pace(send);
      await arrived(reader, rate * seconds);
    });
    const { p50Us, p99Us } = await reader.stats();
    report("direct", {
      ...{ main, streams, rate },
      ...{
        "batch, µs": batch,
        "paced, µs": paced,
        "p50 ms": round(p50Us / 1_000),
        "p99 ms": round(p99Us / 1_000),
      },
    });
  } finally {
    await reader.stop();
    await client.close();
    await services.stop();
  }
}

/** Returns the CPU per message, in µs, of each process and of all. */
async function costOf(
  { pids }: Services,
  messages: number,
  work: () => Promise<void>,
): Promise<Record<string, number>> {
  const roles = { nats: pids.broker[0] ?? 0, graph: pids.graph[0] ?? 0, edge: pids.edge[0] ?? 0 };
  const before = cpuSecondsByName(roles);
  await work();
  const cost = Object.entries(cpuSecondsByName(roles)).map(([role, spent]): [string, number] => [
    role,
    round(((spent - (before[role] ?? 0)) * 1e6) / messages, 1),
  ]);
  return {
    ...Object.fromEntries(cost),
    all: round(
      cost.reduce((sum, [, spent]) => sum + spent, 0),
      1,
    ),
  };
}

/** Sends batches, each when the one before has arrived. */
async function batches(count: number, send: () => void, reader: CountingReader): Promise<void> {
  for (let batch = 0; batch < count; batch += 1) {
    await reader.reset();
    for (let message = 0; message < BATCH; message += 1) send();
    await arrived(reader, BATCH);
  }
}

/** Sends single messages at the steady rate. The thread sleeps in between: timers wait for a millisecond. */
async function pace(send: () => void): Promise<void> {
  const never = new Int32Array(new SharedArrayBuffer(4));
  const startedAtMs = performance.now();
  for (let sent = 0; sent < rate * seconds; sent += 1) {
    const earlyMs = startedAtMs + (sent * 1_000) / rate - performance.now();
    if (earlyMs > 0) Atomics.wait(never, 0, 0, earlyMs);
    send();
    await new Promise(setImmediate);
  }
}

/** Waits until every message has been read exactly once. */
async function arrived(reader: CountingReader, messages: number): Promise<void> {
  await waitFor(
    `${messages} messages to be read`,
    async () => {
      const stats = await reader.stats();
      if (stats.malformed + stats.closed > 0 || stats.messages > messages)
        throw new Error(`the messages read are not those that were sent: ${JSON.stringify(stats)}`);
      return stats.messages === messages;
    },
    ARRIVE_MS,
  );
}
