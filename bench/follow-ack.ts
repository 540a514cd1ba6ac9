// Measures how long a follow takes until it is acknowledged, through the graph service over NATS: one after
// another, and batched. Without a change log, and with one that three nodes of nats-server replicate, with
// the default sync interval and with `sync_interval: always`. Each run is a fresh process with a fresh
// directory; the order rotates between rounds. `node dist/bench/follow-ack.js [rounds]`

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { graphSubject, parseTopic } from "../broker/contract.ts";
import { BrokerClient, textOf } from "../broker/index.ts";
import { GraphService, Random } from "../graph/index.ts";
import { createLogger } from "../lib/log.ts";
import { createMetrics } from "../lib/metrics.ts";
import { manageStreams } from "../test/support/jetstream.ts";
import { JetStreamCluster, replicatedServer } from "../test/support/jetstream-cluster.ts";
import { tempDir } from "../test/support/temp-dir.ts";
import { report, round } from "./support/report.ts";

const MODES = ["no change log", "replicated", "replicated, synced"] as const;
type Mode = (typeof MODES)[number];

interface Figures {
  readonly p50: number;
  readonly p99: number;
  readonly perSecond: number;
}

const SINGLE = 2_000;
const WARM_UP = 300;
const BATCHED = 100_000;
const PER_REQUEST = 100;
const AT_ONCE = 32;
const USERS = 100_000;
const TIMEOUT_MS = 30_000;

if (process.argv[2] === "run") await run(process.argv[3] as Mode, process.argv.slice(4));
else await compare(Number(process.argv[2] ?? "3"));

async function compare(rounds: number): Promise<void> {
  const plain = await JetStreamCluster.start(replicatedServer);
  const synced = await JetStreamCluster.start(replicatedServer, 1, "sync_interval: always");
  const results = new Map<Mode, Figures[]>(MODES.map((mode) => [mode, []]));
  try {
    for (let index = 0; index < rounds; index += 1) {
      for (const shift of MODES.keys()) {
        const mode = MODES[(index + shift) % MODES.length] as Mode;
        const { urls } = mode === "replicated, synced" ? synced : plain;
        results.get(mode)?.push(await runInProcess(mode, urls));
        await manageStreams(urls[0] ?? "", async ({ streams }) => {
          for (const { config } of await streams.list().next()) await streams.delete(config.name);
        });
      }
    }
  } finally {
    await plain.stop();
    await synced.stop();
  }
  for (const [mode, runs] of results) {
    report("follow-ack", {
      mode,
      server: replicatedServer.name,
      rounds,
      "p50 ms": medianOf(runs.map(({ p50 }) => p50)),
      "p99 ms": medianOf(runs.map(({ p99 }) => p99)),
      "per second, batched": medianOf(runs.map(({ perSecond }) => perSecond)),
      wanted: mode === "replicated" ? "p50 ≤ 2, p99 ≤ 10, ≥ 20,000 per second" : "",
      runs,
    });
  }
}

async function runInProcess(mode: Mode, urls: readonly string[]): Promise<Figures> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), "run", mode, ...urls], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const [exit] = await once(child, "close");
  if (exit !== 0) throw new Error(`${mode}: exit ${exit}`);
  return JSON.parse(output) as Figures;
}

/** Serves a graph and requests follows over a connection to another node; prints the figures. */
async function run(mode: Mode, urls: readonly string[]): Promise<void> {
  const log = createLogger("bench", "silent");
  const service = new GraphService({
    directory: join(tempDir(), "graph"),
    nats: { url: urls[0] ?? "" },
    intake: { kind: mode === "no change log" ? "core" : "jetstream" },
    log,
    metrics: createMetrics(),
  });
  await service.start();
  const client = await BrokerClient.connect({ url: urls[1] ?? "" }, { name: "bench", log, wait: false });
  const random = new Random(7);
  const some = (): string => String(1 + random.below(USERS));
  let changed = 0;
  const follow = async (subscribers: readonly string[]): Promise<void> => {
    const payload = JSON.stringify({ subscribers });
    const reply = await client.request(graphSubject("subscribe", parseTopic(some())), payload, TIMEOUT_MS);
    changed += (JSON.parse(textOf(reply)) as { changed: number }).changed;
  };

  for (let count = 0; count < WARM_UP; count += 1) await follow([some()]);
  const times: number[] = [];
  for (let count = 0; count < SINGLE; count += 1) {
    const start = performance.now();
    await follow([some()]);
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  const at = (part: number): number => round(times[Math.floor((times.length - 1) * part)] ?? 0);

  const before = changed;
  const start = performance.now();
  let left = BATCHED;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= PER_REQUEST;
      await follow(Array.from({ length: PER_REQUEST }, some));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  const perSecond = Math.round((changed - before) / ((performance.now() - start) / 1_000));
  if (service.follows !== changed) throw new Error(`${service.follows} follows, but ${changed} acknowledged`);
  await client.close();
  await service.stop();
  const figures: Figures = { p50: at(0.5), p99: at(0.99), perSecond };
  process.stdout.write(JSON.stringify(figures));
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
