// What fails between readers who stay: NATS is restarted, an edge is stopped for so long that the graph gives
// it up, a message to an edge is lost. Each happens under load and among readers that come and go, and no
// reader notices. RESUME_SEED chooses other random points.

import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { EXPIRY_MS, type FanoutMode } from "../../broker/index.ts";
import { Random } from "../../graph/index.ts";
import { childrenOf } from "../../lib/processes.ts";
import { real, urlOf } from "../support/brokers.ts";
import { ask } from "../support/client.ts";
import { EnckeCommand } from "../support/command.ts";
import { LossyProxy } from "../support/lossy-proxy.ts";
import { TestNetwork } from "../support/network.ts";
import { waitFor } from "../support/wait-for.ts";
import { Crowd } from "./crowd.ts";
import { modesOf, ONLY_FULL } from "./grounds.ts";

const SEED = Number(process.env.RESUME_SEED ?? 1);
const READERS = 16;
const BEHIND_MS = 300;

for (const fanout of modesOf("frames"))
  describe(`faults under load, ${fanout}`, { skip: real.skip || ONLY_FULL }, () => {
    const ends: (() => void | Promise<void>)[] = [];
    afterEach(async () => {
      for (const end of ends.splice(0).reverse()) await end();
    });

    const start = async (fleet: readonly FanoutMode[]): Promise<TestNetwork> => {
      const network = await TestNetwork.start({ broker: real, fleet });
      ends.push(() => network.stop());
      return network;
    };
    const gather = async (
      network: TestNetwork,
      edges?: () => readonly URL[],
      streamsPerUser = 1,
    ): Promise<Crowd> => {
      await network.ready();
      const own = (): URL[] => network.edges.map((_, edge) => network.url("/", edge));
      const random = new Random(SEED);
      const crowd = await Crowd.gather(
        { client: network.client, edges: edges ?? own, random, fanout, streamsPerUser },
        READERS,
      );
      ends.push(() => crowd.leave());
      return crowd;
    };
    /** Waits until so many further events have been published, so that the fault has had time to matter. */
    const publishes = (crowd: Crowd, count: number): Promise<void> => {
      const total = crowd.ledger.total + count;
      return waitFor("further events", () => crowd.fault !== undefined || crowd.ledger.total >= total);
    };

    it("NATS restarts among readers that come and go - nothing is lost or repeated, without a resync", async () => {
      const network = await start([fanout, fanout]);
      const crowd = await gather(network);
      crowd.load.startConfirmed(crowd.topics);
      crowd.churn(true);
      for (let restart = 0; restart < 2; restart += 1) {
        await publishes(crowd, 200);
        await network.broker.stop();
        await network.restartBroker(real);
      }
      await publishes(crowd, 200);
      await crowd.settle();
      crowd.assertFlawless();
    });

    it("NATS restarts among readers that stay - nothing is lost or repeated, without a resync", async () => {
      const network = await start([fanout, fanout]);
      const crowd = await gather(network);
      crowd.load.startConfirmed(crowd.topics);
      for (let restart = 0; restart < 2; restart += 1) {
        await publishes(crowd, 200);
        await network.broker.stop();
        await network.restartBroker(real);
      }
      await publishes(crowd, 200);
      await crowd.settle();
      crowd.assertFlawless();
      assert.equal(
        crowd.members.reduce((sum, { reader }) => sum + reader.connections, 0),
        READERS,
        "no stream was ended",
      );
    });

    it("an edge stopped past its expiry - delivers what it missed to its readers, without a resync", async () => {
      const network = await start([fanout]);
      const command = await EnckeCommand.start(
        ["edge", "--port", "0", "--admin-port", "0", "--fanout", fanout],
        /edge at/,
        { env: { NATS_URL: urlOf(network.broker) } },
      );
      ends.push(() => command.stop());
      const url = new URL(command.find(/edge at (\S+),/));
      const [worker = 0] = childrenOf(command.pid);
      const crowd = await gather(network, () => [url, network.url("/")]);
      crowd.load.start(crowd.topics);
      await publishes(crowd, 100);
      process.kill(worker, "SIGSTOP");
      try {
        const stoppedAt = performance.now();
        await waitFor("the edge to expire", () => performance.now() > stoppedAt + EXPIRY_MS + 1_500);
        await waitFor("the graph to give up the edge", async () => {
          const { timedOut } = (await ask(network.client, "event.other", "?")) as { timedOut?: number };
          return timedOut === 0;
        });
      } finally {
        process.kill(worker, "SIGCONT");
      }
      await publishes(crowd, 200);
      await crowd.settle();
      crowd.assertFlawless();
    });

    it("one message to the edge dropped, again and again - is noticed and made up for, without a resync", async () => {
      const network = await start([]);
      const proxy = await LossyProxy.start(network.broker.ports[0] ?? 0);
      ends.push(() => proxy.stop());
      await network.startEdge({ fanout, nats: { url: proxy.url } });
      await network.startEdge({ fanout });
      const crowd = await gather(network);
      crowd.load.start(crowd.topics);
      crowd.churn(true);
      for (let drop = 1; drop <= 5; drop += 1) {
        await publishes(crowd, 100);
        proxy.drop(/^edge\.[0-9a-f]+$/);
        await waitFor("a dropped message", () => proxy.dropped.length === drop);
      }
      await crowd.settle();
      crowd.assertFlawless();
    });

    it("an edge that is behind the others - resumes readers who are ahead of it", async () => {
      const network = await start([fanout]);
      const proxy = await LossyProxy.start(network.broker.ports[0] ?? 0);
      ends.push(() => proxy.stop());
      await network.startEdge({ fanout, nats: { url: proxy.url } });
      // the edge already has the user of a reader who comes from the other edge, so it need not join
      const crowd = await gather(network, undefined, 2);
      proxy.delayMs = BEHIND_MS;
      crowd.load.start(crowd.topics);
      crowd.churn(true);
      await publishes(crowd, 400);
      await crowd.settle();
      crowd.assertFlawless();
    });
  });
