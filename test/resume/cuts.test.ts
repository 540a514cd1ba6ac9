// Readers that are cut early: at every few bytes from the head of the response until a replay has begun, so
// also within the welcome, between blocks and within a replayed event; and a slow reader that must receive a
// large gap in one connection. RESUME_FULL=1 runs the long forms.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Random } from "../../graph/index.ts";
import { embedded } from "../support/brokers.ts";
import { TestNetwork } from "../support/network.ts";
import { waitFor } from "../support/wait-for.ts";
import { Ledger } from "./checker.ts";
import { Crowd } from "./crowd.ts";
import { groundsOf, IS_FULL } from "./grounds.ts";
import { Load } from "./load.ts";
import { ReturningReader } from "./returning-reader.ts";

/** A cut at every so many bytes, up to more than a head, a welcome and one replayed event. */
const STEP_BYTES = IS_FULL ? 1 : 29;
const MAX_BYTES = 1_000;
const EVENT_BYTES = 60 * 1_024;
const MISSED = IS_FULL ? 1_000 : 100;
const BYTES_PER_SECOND = IS_FULL ? 1_000_000 : 4_000_000;

for (const { fanout, pool } of groundsOf().slice(0, IS_FULL ? undefined : 1))
  describe(`readers that are cut early, ${fanout}, ${pool} pool`, () => {
    it(`a cut at every ${STEP_BYTES} bytes until a replay has begun - loses and repeats nothing`, async () => {
      const network = await TestNetwork.start({
        broker: embedded,
        fleet: [fanout, fanout],
        edge: { pool },
      });
      const next: number[] = [];
      const cutAfter = (nth: number): number => {
        next[nth] = (next[nth] ?? 0) + STEP_BYTES;
        return next[nth] % MAX_BYTES;
      };
      const edges = (): URL[] => network.edges.map((_, edge) => network.url("/", edge));
      const { client } = network;
      await network.ready();
      const crowd = await Crowd.gather(
        { client, edges, random: new Random(1), fanout, cutAfter, perSecond: 40 },
        8,
      );
      try {
        crowd.load.start(crowd.topics);
        crowd.churn(true);
        const cuts = Math.ceil(MAX_BYTES / STEP_BYTES);
        const isDone = (): boolean =>
          crowd.fault !== undefined || crowd.members.every(({ reader }) => reader.cuts >= cuts);
        await waitFor("every cut", isDone, 20_000 + MAX_BYTES * 300);
        await crowd.settle();
        crowd.assertFlawless();
      } finally {
        crowd.leave();
        await network.stop();
      }
    });

    it(`${MISSED} missed events of 60 KiB at ${BYTES_PER_SECOND / 1e6} MB/s - arrive in one connection`, async () => {
      const network = await TestNetwork.start({ broker: embedded, fleet: [fanout], edge: { pool } });
      await network.ready();
      const { client } = network;
      const ledger = new Ledger();
      const load = new Load({ client, ledger, random: new Random(1), users: () => [], perSecond: 1 });
      const received = ledger.addReader("ann");
      const reader = new ReturningReader({
        ...{ user: "ann", format: "sse", edge: () => network.url("/") },
        bytesPerSecond: BYTES_PER_SECOND,
        onBlock: (block) => {
          received.note(block);
          return true;
        },
      });
      try {
        reader.come();
        await waitFor("the stream to open", () => reader.isReading);
        await load.request("ann");
        await waitFor("the first event", () => ledger.isUpToDate(received));
        reader.leave();
        for (let n = 0; n < MISSED; n += 1) await load.request("ann", EVENT_BYTES);
        reader.come();
        await waitFor("every missed event", () => received.count > MISSED, 120_000);
        assert.deepEqual(
          received.numbers.get("ann"),
          Array.from({ length: MISSED + 1 }, (_, n) => n),
        );
        assert.deepEqual([received.holes, reader.connections, reader.fault], [[], 2, undefined]);
      } finally {
        reader.leave();
        await network.stop();
      }
    });
  });
