// Readers that are cut at random points, also in the middle of a block and of a replay, and come back to a
// random edge, while authors publish without pause. Every fan-out mode, with one partition and four; each
// network has edges with both pools, and readers of both formats. RESUME_DISCONNECTS=10000 runs the long form,
// RESUME_SEED chooses other random points.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { FanoutMode } from "../../broker/index.ts";
import { defaultPoolKind } from "../../edge/index.ts";
import { Random } from "../../graph/index.ts";
import { type BrokerUnderTest, partitioned, real, SHARES } from "../support/brokers.ts";
import { clusterOf } from "../support/cluster.ts";
import { TestNetwork } from "../support/network.ts";
import { waitFor } from "../support/wait-for.ts";
import { Crowd } from "./crowd.ts";

const DISCONNECTS = Number(process.env.RESUME_DISCONNECTS ?? 120);
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
const POOLS = [...new Set([defaultPoolKind(), "plain" as const])];
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

for (const [nth, { fleet, broker, shares }] of grounds.entries()) {
  describe(`churn, ${fleet}, over ${broker.name}`, { skip: broker.skip }, () => {
    it(`${DISCONNECTS} disconnects at random points - lose, repeat and reorder nothing, without a resync`, async (t) => {
      const random = new Random(SEED * 1_000 + nth);
      const network = await TestNetwork.start({ broker, shares, fleet: [] });
      let crowd: Crowd | undefined;
      try {
        for (const fanout of FLEETS[fleet] ?? [])
          for (const pool of POOLS) await network.startEdge({ fanout, pool });
        await network.ready();
        const { client } = network;
        const edges = (): URL[] => network.edges.map((_, edge) => network.url("/", edge));
        crowd = await Crowd.gather({ client, edges, random }, READERS);
        const { load, members } = crowd;
        load.start(crowd.topics);
        crowd.churn(true);
        await waitFor(
          `${DISCONNECTS} disconnects`,
          () => crowd?.fault !== undefined || (crowd?.disconnects ?? 0) >= DISCONNECTS,
          20_000 + DISCONNECTS * DISCONNECT_MS,
        );
        await crowd.settle();
        const verdict = crowd.assertFlawless();
        t.diagnostic(`${crowd.disconnects} disconnects, ${verdict.received} events received`);
        assert.ok(verdict.received > members.length * 10);
      } finally {
        crowd?.leave();
        await network.stop();
      }
    });
  });
}
