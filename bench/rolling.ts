// Measures a rolling restart: every worker of an edge is told to stop, one after the other, while its readers
// receive events and come back to the others when the edge says so. `node dist/bench/rolling.js [--streams
// 10000] [--workers 4] [--rate 300] [--fanout frames]`

import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { FanoutMode } from "../broker/index.ts";
import { childrenOf } from "../lib/processes.ts";
import { connectClient } from "../test/support/client.ts";
import { Services } from "../test/support/services.ts";
import { waitFor } from "../test/support/wait-for.ts";
import type { Compared } from "./storm-readers.ts";
import { FriendsLoad, generateFriendships } from "./support/friends-load.ts";
import { report } from "./support/report.ts";
import { StormReaders } from "./support/storm-readers.ts";

/** Readers come back within five seconds, so few are away when the next worker stops. */
const BETWEEN_MS = 5_000;
const REPLACED_MS = 30_000;

const { values } = parseArgs({
  options: {
    streams: { type: "string", default: "10000" },
    workers: { type: "string", default: "4" },
    rate: { type: "string", default: "300" },
    fanout: { type: "string", default: "frames" },
  },
});
const [streams, workers, rate] = [Number(values.streams), Number(values.workers), Number(values.rate)];
const fanout = values.fanout as FanoutMode;

const friendships = await generateFriendships(streams);
const services = await Services.start({
  ...{ broker: "nats-server", fanout, friendships },
  edge: ["--workers", values.workers],
});
const producer = await connectClient({ url: services.nats }, "producer");
const readers = new StormReaders();
try {
  await readers.ask({ do: "open", port: Number(services.edge.port), users: streams });
  await readers.ask({ do: "stay" });
  const load = new FriendsLoad(producer, friendships, streams);
  let isOver = false;
  const running = load.run(rate, () => !isOver);
  for (const pid of childrenOf(services.edgeSupervisor)) {
    await delay(BETWEEN_MS);
    process.kill(pid, "SIGTERM");
    const isReplaced = (): boolean => {
      const now = childrenOf(services.edgeSupervisor);
      return !now.includes(pid) && now.length === workers;
    };
    await waitFor("the next worker", isReplaced, REPLACED_MS);
  }
  await delay(BETWEEN_MS);
  isOver = true;
  await running;
  const compared = await readers.ask<Compared>({ do: "compare", expected: load.counts });
  report("rolling", { fanout, streams, workers, rate, events: load.sent, ...compared });
} finally {
  readers.stop();
  await producer.close();
  await services.stop();
}
