// Encke as a contender: a complete edge whose messages are published to NATS. The CPU of its worker therefore
// includes the way in from NATS, which the other libraries, whose servers generate their own messages, do not
// have.

import { setTimeout as delay } from "node:timers/promises";
import { BrokerClient, type FanoutMode } from "../../broker/index.ts";
import type { PoolKind } from "../../edge/index.ts";
import { createLogger } from "../../lib/log.ts";
import { Services } from "../../test/support/services.ts";
import { readMetric } from "../support/metric.ts";
import type { Contender, Received } from "./contender.ts";
import { nextMessage, pace } from "./servers/drive.ts";

/** Maximum number of messages in flight: more would wait in the broker and add to its cost. */
const WINDOW = 4_000;
const LOOK_MS = 2;

/**
 * Starts an edge; its streams have the ids 1 to `streams`.
 * @throws EnckeError if this build lacks the pool or the fan-out mode
 */
export async function startEdge(
  pool: PoolKind | undefined,
  fanout: FanoutMode,
  streams: number,
): Promise<Contender> {
  const log = createLogger("bench", "warn");
  const kind = pool === undefined ? [] : ["--pool", pool];
  const services = await Services.start({ broker: "nats-server", fanout, edge: kind });
  const client = await BrokerClient.connect({ url: services.nats }, { name: "bench", log, wait: false });
  const send = (user: number): void => void client.publish(`user.${user}`, nextMessage());
  const toRandom = (): void => send(1 + Math.floor(Math.random() * streams));
  const inWindows = async (
    messages: number,
    received: Received,
    act: (index: number) => void,
  ): Promise<void> => {
    for (let sent = 0; sent < messages; ) {
      const until = Math.min(messages, (await received()) + WINDOW);
      for (; sent < until; sent += 1) act(sent);
      await delay(LOOK_MS);
    }
  };
  return {
    port: Number(services.edge.port),
    pid: services.pids.edge,
    count: () => readMetric(services.admin, "encke_edge_streams"),
    each: (times, received) => inWindows(times * streams, received, (index) => send(1 + (index % streams))),
    random: (messages, received) => inWindows(messages, received, toRandom),
    paced: (rate, seconds) => pace(rate, seconds, toRandom),
    async stop() {
      await client.close();
      await services.stop();
    },
  };
}
