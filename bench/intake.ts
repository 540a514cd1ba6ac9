// Measures what durable intake costs nats-server and the graph service per event, without readers: the same
// events at a steady rate, stored by the service alone and stored by a JetStream stream first, in turn. Then
// what it costs to catch up with events that were published while no service ran. `node dist/bench/intake.js
// [--rounds 3] [--rate 16666] [--seconds 12] [--missed 600000]`

import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { jetStreamSettings } from "../broker/index.ts";
import { anyFreePort } from "../lib/ports.ts";
import { connectClient } from "../test/support/client.ts";
import { EnckeCommand } from "../test/support/command.ts";
import { NatsProcess } from "../test/support/nats-process.ts";
import { natsServer } from "../test/support/nats-servers.ts";
import { tempDir } from "../test/support/temp-dir.ts";
import { waitFor } from "../test/support/wait-for.ts";
import { readMetric } from "./support/metric.ts";
import { cpuSeconds, cpuSecondsByName } from "./support/process-figures.ts";
import { report, round } from "./support/report.ts";

const TOPICS = 50_000;
const PAYLOAD = new TextEncoder().encode("x".repeat(150));
const STORED_MS = 60_000;
const CAUGHT_UP_MS = 300_000;
/** Events published before each flush, so that the server's buffers do not overflow. */
const AT_ONCE = 2_000;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    rate: { type: "string", default: "16666" },
    seconds: { type: "string", default: "12" },
    missed: { type: "string", default: "600000" },
  },
});
const [rate, seconds, missed] = [Number(values.rate), Number(values.seconds), Number(values.missed)];

const INTAKES = ["core", "jetstream"] as const;
type IntakeName = (typeof INTAKES)[number];

for (let turn = 0; turn < Number(values.rounds); turn += 1)
  for (const intake of turn % 2 === 0 ? INTAKES : INTAKES.toReversed()) await measureRate(intake);
await measureCatchUp();

async function measureRate(intake: IntakeName): Promise<void> {
  const server = await startServer();
  const adminPort = await anyFreePort("127.0.0.1");
  const graph = await startGraph(server, join(tempDir(), "graph"), intake, adminPort);
  const client = await connectClient({ url: server.url }, "producer");
  try {
    const pids = { nats: server.pid, graph: graph.pid };
    const before = cpuSecondsByName(pids);
    const events = rate * seconds;
    const startedAt = performance.now();
    for (let sent = 0; sent < events; await delay(1))
      for (
        const due = Math.min(events, ((performance.now() - startedAt) / 1000) * rate);
        sent < due;
        sent += 1
      )
        client.publish(`event.t${sent % TOPICS}`, PAYLOAD);
    const admin = `http://127.0.0.1:${adminPort}`;
    const stored = async (): Promise<boolean> =>
      (await readMetric(admin, "encke_graph_history_events")) >= events;
    await waitFor("every event to be stored", stored, STORED_MS);
    const after = cpuSecondsByName(pids);
    const cpu = Object.keys(pids).map((name): [string, number] => [
      name,
      round((((after[name] ?? 0) - (before[name] ?? 0)) * 1e6) / events, 1),
    ]);
    report("intake", {
      intake,
      server: natsServer.name,
      rate,
      events,
      "CPU s per million": Object.fromEntries(cpu),
    });
  } finally {
    await client.close();
    await graph.stop();
    await server.stop();
  }
}

async function measureCatchUp(): Promise<void> {
  const server = await startServer();
  const directory = join(tempDir(), "graph");
  await (await startGraph(server, directory, "jetstream")).stop(); // creates the stream
  const client = await connectClient({ url: server.url }, "producer");
  for (let sent = 0; sent < missed; sent += 1) {
    client.publish(`event.t${sent % TOPICS}`, PAYLOAD);
    if (sent % AT_ONCE === 0) await client.flush();
  }
  const isStored = async (): Promise<boolean> =>
    ((await client.jetStream.find("ENCKE_EVENTS"))?.messages ?? 0) >= missed;
  await waitFor("the stream to store every event", isStored, STORED_MS);
  const empty = await startGraph(server, join(tempDir(), "empty"), "core");
  const startCpu = cpuSeconds(empty.pid);
  await empty.stop();
  const startedAt = performance.now();
  const graph = await startGraph(server, directory, "jetstream");
  report("catch-up", {
    ...{ server: natsServer.name, events: missed },
    "s until ready": round((performance.now() - startedAt) / 1000, 2),
    "CPU s per million": round(((cpuSeconds(graph.pid) - startCpu) * 1e6) / missed, 1),
  });
  await client.close();
  await graph.stop();
  await server.stop();
}

function startServer(): Promise<NatsProcess> {
  return NatsProcess.start(natsServer, jetStreamSettings(join(tempDir(), "jetstream"), natsServer.version));
}

/** Resolves when the service is ready, and has stored what the stream held. */
function startGraph(
  { url }: NatsProcess,
  directory: string,
  intake: IntakeName,
  adminPort = 0,
): Promise<EnckeCommand> {
  const args = ["graph", "serve", "--data", directory, "--intake", intake, "--admin-port", String(adminPort)];
  return EnckeCommand.start(args, /follow relations/, { env: { NATS_URL: url }, readyMs: CAUGHT_UP_MS });
}
