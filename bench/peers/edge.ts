// Encke as a contender: a whole edge, its messages published to NATS. What its worker pays therefore holds the way in
// from NATS too, which the peers, who make their messages themselves, do not have.

import { setTimeout as delay } from "node:timers/promises";
import { BrokerClient, type FanoutMode } from "../../broker/index.ts";
import type { PoolKind } from "../../edge/index.ts";
import { createLogger } from "../../lib/log.ts";
import { Services } from "../../test/support/services.ts";
import { readMetric } from "../support/metric.ts";
import type { Contender, Received } from "./contender.ts";
import { nextMessage, pace } from "./servers/drive.ts";

/** Messages under way at most: more would wait in the broker and be its own cost. */
const WINDOW = 4_000;
const LOOK_MS = 2;

/** Streams' ids are 1 … streams. @throws EnckeError where this pool or fan-out cannot be had here */
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
