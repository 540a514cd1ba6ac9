// Readers that are cut at random points, also in the middle of a block and of a replay, and come back to a
// random edge, while authors publish without pause. Every fan-out mode, with one partition and four; each
// network has edges with both pools, and readers of both formats. RESUME_DISCONNECTS=10000 runs the long
// form, RESUME_SEED chooses other random points.

import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { FanoutMode } from "../../broker/index.ts";
import { defaultPoolKind } from "../../edge/index.ts";
import { Random } from "../../graph/index.ts";
import { childrenOf } from "../../lib/processes.ts";
import { type BrokerUnderTest, partitioned, real, SHARES } from "../support/brokers.ts";
import { connectClient } from "../support/client.ts";
import { clusterOf } from "../support/cluster.ts";
import { TestNetwork } from "../support/network.ts";
import { Services } from "../support/services.ts";
import { waitFor } from "../support/wait-for.ts";
import { Crowd } from "./crowd.ts";
import { modesOf, ONLY_FULL } from "./grounds.ts";

const DISCONNECTS = Number(process.env.RESUME_DISCONNECTS ?? 60);
const IS_LONG = process.env.RESUME_DISCONNECTS !== undefined;
const SEED = Number(process.env.RESUME_SEED ?? 1);
const READERS = 24;
/** Time for each disconnect, at most. */
const DISCONNECT_MS = 200;

const FLEETS: Readonly<Record<string, readonly FanoutMode[]>> = {
  frames: ["frames", "frames"],
  subject: ["subject", "subject"],
  mixed: ["frames", "subject"],
};
const TITLE = `${DISCONNECTS} disconnects at random points - lose, repeat and reorder nothing, without a resync`;
const POOLS = [...new Set([defaultPoolKind(), "plain" as const])];
/** A worker is killed after so many events. */
const EVENTS_PER_KILL = 800;
const WHOLE = ["0/1"];

interface Ground {
  readonly fleet: string;
  readonly broker: BrokerUnderTest;
  readonly shares: readonly string[];
}

const grounds: readonly Ground[] = Object.keys(FLEETS).flatMap((fleet) => [
  { fleet, broker: real, shares: WHOLE },
  { fleet, broker: partitioned(4), shares: SHARES },
  ...(IS_LONG && fleet !== "frames" ? [{ fleet, broker: clusterOf(4), shares: SHARES }] : []),
]);

/** Lets the readers come and go under load, and fails unless each received exactly what it had to. */
async function endure(crowd: Crowd, t: TestContext, disturb?: () => Promise<void>): Promise<void> {
  crowd.load.start(crowd.topics);
  crowd.churn(true);
  const isOver = (): boolean => crowd.fault !== undefined || crowd.disconnects >= DISCONNECTS;
  const deadlineMs = performance.now() + 20_000 + DISCONNECTS * DISCONNECT_MS;
  while (disturb !== undefined && !isOver() && performance.now() < deadlineMs) await disturb();
  await waitFor(`${DISCONNECTS} disconnects`, isOver, Math.max(1, deadlineMs - performance.now()));
  await crowd.settle();
  const verdict = crowd.assertFlawless();
  t.diagnostic(`${crowd.disconnects} disconnects, ${verdict.received} events received`);
  assert.ok(verdict.received > crowd.members.length * 10);
}

for (const [nth, { fleet, broker, shares }] of grounds.entries()) {
  describe(`churn, ${fleet}, over ${broker.name}`, { skip: broker.skip }, () => {
    it(TITLE, async (t) => {
      const random = new Random(SEED * 1_000 + nth);
      const network = await TestNetwork.start({ broker, shares, fleet: [] });
      let crowd: Crowd | undefined;
      try {
        for (const fanout of FLEETS[fleet] ?? [])
          for (const pool of POOLS) await network.startEdge({ fanout, pool });
        await network.ready();
        const { client } = network;
        const edges = (): URL[] => network.edges.map((_, edge) => network.url("/", edge));
        crowd = await Crowd.gather(
          { client, edges, random, fanout: fleet === "frames" ? "frames" : "subject" },
          READERS,
        );
        await endure(crowd, t);
      } finally {
        crowd?.leave();
        await network.stop();
      }
    });
  });
}

/** The signals that end workers, by the word in the test's title. */
const ENDS = { killed: "SIGKILL", drained: "SIGTERM" } as const;

describe("churn, edges with workers in processes of their own", { skip: real.skip || ONLY_FULL }, () => {
  for (const fanout of modesOf("subject"))
    for (const [ended, signal] of Object.entries(ENDS))
      it(`${fanout}, workers ${ended} meanwhile: ${TITLE}`, async (t) => {
        const services = await Services.start({
          ...{ broker: "nats-server", fanout, edge: ["--workers", "2", "--pool", defaultPoolKind()] },
        });
        const client = await connectClient({ url: services.nats });
        let crowd: Crowd | undefined;
        try {
          const second = await services.startEdge("--pool", "plain");
          const urls = [services.edge, services.edge, services.edgeOf(second)];
          await services.ready();
          crowd = await Crowd.gather(
            { client, edges: () => urls, random: new Random(SEED), fanout },
            READERS,
          );
          const { ledger } = crowd;
          await endure(crowd, t, async () => {
            const total = ledger.total + EVENTS_PER_KILL;
            await waitFor("further events", () => crowd?.fault !== undefined || ledger.total >= total);
            const [victim] = childrenOf(services.edgeSupervisor);
            if (victim !== undefined) process.kill(victim, signal);
          });
        } finally {
          crowd?.leave();
          await client.close();
          await services.stop();
        }
      });
});
