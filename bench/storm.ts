// Measures what happens when all readers of an edge return at once after events that they missed: how long it
// takes until none lacks anything, the latency of live readers meanwhile, and the memory afterwards. `node
// dist/bench/storm.js [--streams 19000] [--seconds 5] [--rate 1000] [--fanout MODE] [--pool KIND]`

import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { FanoutMode } from "../broker/index.ts";
import { connectClient } from "../test/support/client.ts";
import { Reader } from "../test/support/reader.ts";
import { Services } from "../test/support/services.ts";
import type { Returned } from "./storm-readers.ts";
import { FriendsLoad, generateFriendships } from "./support/friends-load.ts";
import { cpuSecondsByName, settledMemoryKb } from "./support/process-figures.ts";
import { report, round } from "./support/report.ts";
import { StormReaders } from "./support/storm-readers.ts";

/** A user beyond those who return, whose own events reach one live reader. */
const LIVE_EVERY_MS = 10;
/** Services collect garbage once they have been idle for five seconds. */
const SETTLED_SECONDS = 12;

const { values } = parseArgs({
  options: {
    streams: { type: "string", default: "19000" },
    seconds: { type: "string", default: "5" },
    rate: { type: "string", default: "1000" },
    fanout: { type: "string", default: "frames" },
    pool: { type: "string", default: "native" },
  },
});
const [streams, seconds, rate] = [Number(values.streams), Number(values.seconds), Number(values.rate)];

const friendships = await generateFriendships(streams);
const fanout = values.fanout as FanoutMode;
const services = await Services.start({
  ...{ broker: "nats-server", fanout, friendships },
  edge: ["--pool", values.pool],
});
const producer = await connectClient({ url: services.nats }, "producer");
const readers = new StormReaders();
try {
  await readers.ask({ do: "open", port: Number(services.edge.port), users: streams });
  const live = await Reader.open(new URL(`/stream?user=${streams + 1}`, services.edge), {
    Accept: "text/event-stream",
  });
  const before = await memory();
  await readers.ask({ do: "cut" });
  const missed = await publish();
  const cpuBefore = cpuSecondsByName(services.pids);
  const stopLive = startLive(live);
  const returned = await readers.ask<Returned>({ do: "return", missed });
  const latencies = await stopLive();
  const cpu = Object.entries(cpuSecondsByName(services.pids)).map(([name, spent]): [string, number] => [
    name,
    round(spent - (cpuBefore[name] ?? 0)),
  ]);
  const after = await memory();
  report("storm", {
    ...{ fanout, pool: values.pool, streams, missed: missed.reduce((sum, one) => sum + one, 0) },
    ...{ "connected s": round(returned.connectedS), "complete s after the last": round(returned.completeS) },
    ...{ resyncs: returned.resyncs, goodbyes: returned.goodbyes, "wrong counts": returned.wrong },
    "live ms": { p50: latencies.at(50), p99: latencies.at(99), max: latencies.at(100) },
    "CPU s": Object.fromEntries(cpu),
    "edge KB": { before: before.edge, after: after.edge },
    "graph KB": { before: before.graph, after: after.graph },
  });
  live.close();
} finally {
  readers.stop();
  await producer.close();
  await services.stop();
}

/** Publishes events of random users at the rate. Returns how many each user has missed. */
async function publish(): Promise<readonly number[]> {
  const load = new FriendsLoad(producer, friendships, streams);
  await load.run(rate, (sent) => sent < rate * seconds);
  await delay(1_000);
  return load.counts;
}

/**
 * Publishes to the live reader until stopped. Returns percentiles of the latency in milliseconds, by percent.
 */
function startLive(live: Reader): () => Promise<number[]> {
  const sentAt: number[] = [];
  const latencies: number[] = [];
  const send = setInterval(() => {
    sentAt.push(performance.now());
    producer.publish(`event.${streams + 1}`, `live ${sentAt.length}`);
  }, LIVE_EVERY_MS);
  const look = setInterval(() => {
    for (const chunk of live.chunks.splice(0))
      for (const [, number] of chunk.matchAll(/"live (\d+)"/g))
        latencies.push(performance.now() - (sentAt[Number(number) - 1] ?? 0));
  }, 1);
  return async () => {
    clearInterval(send);
    await delay(1_000);
    clearInterval(look);
    latencies.sort((one, other) => one - other);
    const last = latencies.length - 1;
    return Array.from({ length: 101 }, (_, percent) =>
      round(latencies[Math.round((last * percent) / 100)] ?? -1),
    );
  };
}

async function memory(): Promise<{ readonly edge: number; readonly graph: number }> {
  const { edge = 0, graph = 0 } = services.pids;
  return {
    edge: await settledMemoryKb(edge, SETTLED_SECONDS),
    graph: await settledMemoryKb(graph, SETTLED_SECONDS),
  };
}
