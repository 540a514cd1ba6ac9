// Measures the cost of expanding: the graph of a million users, events of random users at the article's rate,
// and a tenth of the users online at ten edges in `frames` mode. A real nats-server, the graph service and
// the sender run in processes of their own; this process plays the edges and checks that every copy arrived.
// `node dist/bench/graph-expand.js [--data DIR] [--rate 16666] [--seconds 20] [--online 100000] [--row-memory
// MB]`

import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { edgeSubject, FRAME_KIND, presenceSubject, readFrame } from "../broker/contract.ts";
import { BEAT_MS, BrokerClient, MAX_DELTA, type PresenceMessage, parseOrder } from "../broker/index.ts";
import { createLogger } from "../lib/log.ts";
import { anyFreePort } from "../lib/ports.ts";
import { childrenOf } from "../lib/processes.ts";
import { memoryOf } from "../load/index.ts";
import { EnckeCommand } from "../test/support/command.ts";
import { waitFor } from "../test/support/wait-for.ts";
import { readMetric } from "./support/metric.ts";
import { MILLION, makeMillionGraph } from "./support/million-graph.ts";
import { cpuSeconds } from "./support/process-figures.ts";
import { report, round } from "./support/report.ts";

const EDGES = 10;
const TICK_MS = 5;
const WARM_UP_SECONDS = 4;
const PATIENCE_MS = 120_000;
const EXPANDED = 'encke_graph_events_total{result="expanded"}';
const log = createLogger("bench", "warn");

const { values } = parseArgs({
  options: {
    data: { type: "string" },
    rate: { type: "string", default: "16666" },
    seconds: { type: "string", default: "20" },
    online: { type: "string", default: "100000" },
    "row-memory": { type: "string", default: "256" },
    nats: { type: "string" },
  },
});
const [rate, seconds, online] = [Number(values.rate), Number(values.seconds), Number(values.online)];

async function measure(directory: string): Promise<void> {
  const port = String(await anyFreePort("127.0.0.1"));
  const nats = `nats://127.0.0.1:${port}`;
  const adminPort = String(await anyFreePort("127.0.0.1"));
  const admin = `http://127.0.0.1:${adminPort}`;
  const broker = await EnckeCommand.start(["broker", "--port", port], /at nats:/);
  const graph = await EnckeCommand.start(
    ["graph", "serve", "--data", directory, "--admin-port", adminPort, "--row-memory", values["row-memory"]],
    /graph of/,
    { env: { NATS_URL: nats } },
  );
  const client = await BrokerClient.connect({ url: nats }, { name: "edges", log, wait: false });
  const edges = Array.from({ length: EDGES }, (_, index) => new PlayedEdge(client, `bench${index}`));
  const beating = setInterval(() => {
    for (const edge of edges) edge.beat();
  }, BEAT_MS);
  try {
    const users = new Set<number>();
    while (users.size < online) users.add(1 + Math.floor(Math.random() * MILLION.users));
    for (const [index, edge] of edges.entries())
      edge.announce([...users].filter((_, place) => place % EDGES === index));
    await waitFor("all edges to be synchronized", () => edges.every((edge) => edge.inStep), PATIENCE_MS);
    const flags = ["--nats", nats, "--rate", values.rate, "--seconds", String(seconds + WARM_UP_SECONDS)];
    const sender = fork(fileURLToPath(import.meta.url), flags);
    const sent = new Promise<number>((resolve) => sender.once("message", (count) => resolve(Number(count))));
    await new Promise((resolve) => setTimeout(resolve, WARM_UP_SECONDS * 1000));
    const pids = {
      graph: graph.pid,
      "nats-server": childrenOf(broker.pid)[0] ?? 0,
      "played edges": process.pid,
    };
    const { cores, framesASecond } = await measureWindow(pids, edges);
    const events = await sent;
    await waitFor(
      "every event to be expanded",
      async () => (await readMetric(admin, EXPANDED)) === events,
      PATIENCE_MS,
    );
    const handed = await readMetric(admin, 'encke_graph_copies_total{way="frame"}');
    const received = (): number => edges.reduce((sum, edge) => sum + edge.recipients, 0);
    await waitFor("every copy", () => received() === handed, PATIENCE_MS);
    report("graph-expand", {
      "row memory MB": Number(values["row-memory"]),
      "events a second": Math.round(events / (seconds + WARM_UP_SECONDS)),
      events,
      "recipients online an event": round(handed / events),
      "frames a second": framesASecond,
      cores,
      "graph's memory MB": {
        rss: Math.round((await readMetric(admin, "process_resident_memory_bytes")) / 1e6),
        "without files": Math.round((memoryOf(graph.pid)?.anonKb ?? 0) / 1e3),
      },
    });
  } finally {
    clearInterval(beating);
    await client.close();
    await graph.stop();
    await broker.stop();
  }
}

/** Returns CPU cores per process and frames per second, over a window that ends before the sender does. */
async function measureWindow(
  pids: Readonly<Record<string, number>>,
  edges: readonly PlayedEdge[],
): Promise<{ readonly cores: Readonly<Record<string, number>>; readonly framesASecond: number }> {
  const before = Object.entries(pids).map(([name, pid]) => ({ name, pid, cpu: cpuSeconds(pid) }));
  const framesBefore = frames(edges);
  const startedAtMs = performance.now();
  await new Promise((resolve) => setTimeout(resolve, (seconds - 1) * 1000));
  const took = (performance.now() - startedAtMs) / 1000;
  return {
    cores: Object.fromEntries(
      before.map(({ name, pid, cpu }) => [name, round((cpuSeconds(pid) - cpu) / took, 3)]),
    ),
    framesASecond: Math.round((frames(edges) - framesBefore) / took),
  };
}

/** An edge that counts the copies it receives. */
class PlayedEdge {
  readonly #client: BrokerClient;
  readonly #id: string;
  #sequence = 0;
  inStep = false;
  recipients = 0;
  frames = 0;

  constructor(client: BrokerClient, id: string) {
    this.#client = client;
    this.#id = id;
    client.subscribe(edgeSubject(id), (message) => {
      if (message.data[0] === FRAME_KIND.frame) {
        this.frames += 1;
        const whole = readFrame(message.data, FRAME_KIND.frame, ({ recipients }) => {
          this.recipients += recipients;
        });
        if (!whole) throw new Error("a malformed frame");
        return;
      }
      const order = parseOrder(message.data);
      if (order.type === "mark") this.#client.respond(message);
      if (order.type === "restart") throw new Error("the graph lost an edge");
      if (order.type === "acknowledge" && order.sequence === this.#sequence) this.inStep = true;
    });
  }

  announce(users: readonly number[]): void {
    for (let at = 0; at < users.length; at += MAX_DELTA) {
      const joins = users.slice(at, at + MAX_DELTA).map((user, index) => [String(user), at + index] as const);
      const complete = at + MAX_DELTA >= users.length;
      this.#sequence += 1;
      this.#say({
        type: "delta",
        mode: "frames",
        epoch: 1,
        sequence: this.#sequence,
        leaves: [],
        joins,
        complete,
      });
    }
  }

  beat(): void {
    if (this.inStep) this.#say({ type: "beat", mode: "frames", epoch: 1, sequence: this.#sequence });
  }

  #say(message: PresenceMessage): void {
    this.#client.publish(presenceSubject(this.#id), JSON.stringify(message));
  }
}

function frames(edges: readonly PlayedEdge[]): number {
  return edges.reduce((sum, edge) => sum + edge.frames, 0);
}

/** Sends events of random users at the requested rate. */
async function send(nats: string): Promise<void> {
  const client = await BrokerClient.connect({ url: nats }, { name: "sender", log, wait: false });
  const startedAt = performance.now();
  let sent = 0;
  await new Promise<void>((done) => {
    const timer = setInterval(() => {
      const passed = Math.min(seconds, (performance.now() - startedAt) / 1000);
      for (; sent < passed * rate; sent += 1)
        client.publish(`event.${1 + Math.floor(Math.random() * MILLION.users)}`, `{"n":${sent}}`);
      if (passed < seconds) return;
      clearInterval(timer);
      done();
    }, TICK_MS);
  });
  await client.flush();
  await client.close();
  process.send?.(sent);
}

if (values.nats === undefined) await measure(values.data ?? (await makeMillionGraph()));
else await send(values.nats);
