// A follow that ends while its events are on their way to a reader, and a reader who stops reading.

import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { Random } from "../../graph/index.ts";
import { real } from "../support/brokers.ts";
import { ask } from "../support/client.ts";
import { TestNetwork } from "../support/network.ts";
import { waitFor } from "../support/wait-for.ts";
import { CELEBRITY, Crowd } from "./crowd.ts";
import { groundsOf, IS_FULL } from "./grounds.ts";

const SEED = Number(process.env.RESUME_SEED ?? 1);
const VERBS = ["unsubscribe", "mute", "block"] as const;
/** Small enough that what a stopped reader misses can be replayed, large enough to fill its buffers soon. */
const PAYLOAD_BYTES = 30_000;
/** So many that sending one event to them takes a while. */
const MANY_FOLLOWERS = 60_000;
/** Together more than sockets buffer. */
const LARGE_EVENTS = 120;
const LARGE_BYTES = 60_000;

for (const { fanout, pool } of groundsOf().slice(0, IS_FULL ? undefined : 1))
  describe(`the end of a follow, ${fanout}, ${pool} pool`, { skip: real.skip }, () => {
    const stops: (() => void | Promise<void>)[] = [];
    afterEach(async () => {
      for (const stop of stops.splice(0).reverse()) await stop();
    });
    const gather = async (
      readers: number,
      edges = 2,
      celebrityFollowers?: number,
    ): Promise<[TestNetwork, Crowd]> => {
      const fleet = Array.from({ length: edges }, () => fanout);
      const network = await TestNetwork.start({ broker: real, fleet, edge: { pool } });
      stops.push(() => network.stop());
      await network.ready();
      const crowd = await Crowd.gather(
        {
          client: network.client,
          edges: () => network.edges.map((_, edge) => network.url("/", edge)),
          random: new Random(SEED),
          fanout,
          ...(celebrityFollowers !== undefined && { celebrityFollowers }),
        },
        readers,
      );
      stops.push(() => crowd.leave());
      return [network, crowd];
    };

    it("during an absence - unfollowed, muted and blocked topics are not replayed, others are", async () => {
      const [, crowd] = await gather(6);
      const { ledger, load, members, topics } = crowd;
      crowd.leave();
      for (let n = 0; n < 10; n += 1) for (const topic of topics) await load.request(topic);
      for (const [nth, { received }] of members.entries()) {
        const topic = topics.find((name) => ledger.follows(received.user, name)) ?? "";
        await crowd.change(VERBS[nth % VERBS.length] ?? "mute", topic, [received.user]);
        ledger.withdraw(received.user, topic);
        received.withdrawn.set(topic, { after: topic, n: -1 }); // not even the first replayed event
      }
      await crowd.settle();
      const { received } = crowd.assertFlawless();
      assert.ok(received >= 10 * members.length);
    });

    it("under load and churn - nothing of the topic is delivered after a later event of its user", async () => {
      const [, crowd] = await gather(16);
      const { ledger, load, members, topics } = crowd;
      load.start(topics);
      crowd.churn(true);
      for (const verb of VERBS)
        for (const { received } of members) {
          const { user } = received;
          // the celebrity's events are long: some are open when the follow ends
          const topic = [CELEBRITY, ...topics].find(
            (name) => ledger.follows(user, name) && !received.withdrawn.has(name),
          );
          if (topic === undefined) continue;
          await crowd.change(verb, topic, [user]);
          ledger.withdraw(user, topic);
          load.publish(user);
        }
      await crowd.settle();
      crowd.assertFlawless();
      assert.ok(members.every((member) => member.received.withdrawn.size > 1));
    });

    it("while a celebrity's event is being sent - it is not delivered after the end of the follow", async () => {
      const [, crowd] = await gather(16, 2, MANY_FOLLOWERS);
      const { ledger, load, members } = crowd;
      for (const [nth, { received }] of members.entries()) {
        const { user } = received;
        if (!ledger.follows(user, CELEBRITY)) continue;
        load.publish(CELEBRITY);
        load.publish(CELEBRITY);
        await crowd.change(VERBS[nth % VERBS.length] ?? "mute", CELEBRITY, [user]);
        ledger.withdraw(user, CELEBRITY);
        load.publish(user);
      }
      await crowd.settle();
      crowd.assertFlawless();
      assert.ok(members.some(({ received }) => received.withdrawn.size > 0));
    });

    it("before a replay was read - what has not been written of the topic is never delivered", async () => {
      const [network, crowd] = await gather(1, 1);
      const { ledger, load, members } = crowd;
      const [{ received, reader } = assert.fail()] = members;
      const { user } = received;
      const topic = ledger.topicsOf(user).find((name) => name !== CELEBRITY) ?? "";
      crowd.leave();
      // more than the socket takes, then the topic's events, which are written last
      for (let n = 0; n < LARGE_EVENTS; n += 1) load.send(user, LARGE_BYTES);
      for (let n = 0; n < 5; n += 1) load.publish(topic);
      await load.request(user);
      const witness = await network.read(`/stream?user=${user}`);
      let isFrozen = false;
      crowd.onBlock = (_, { kind }) => {
        if (kind === "welcome") isFrozen = true;
        if (kind === "welcome") reader.freeze(true);
        return true;
      };
      reader.come();
      await waitFor("the reader to stop reading", () => isFrozen);
      for (let n = 0; n < 5; n += 1) load.publish(topic); // buffered
      await load.request(user);
      await crowd.change("mute", topic, [user]);
      const last = await load.request(user);
      // the edge has passed the end of the follow when an open stream has received what came after it
      const isLast = ({ topic, data }: { topic?: string; data?: unknown }): boolean =>
        topic === user && (data as { n: number }).n === last;
      await waitFor("the witness", () => witness.events.some(isLast));
      ledger.withdraw(user, topic);
      received.withdrawn.set(topic, { after: topic, n: -1 });
      reader.freeze(false);
      await crowd.settle();
      crowd.assertFlawless();
    });

    it("a reader who stops reading until it is cut - comes back and has everything", async () => {
      const [network, crowd] = await gather(6, 1);
      const { load, members } = crowd;
      const [{ received, reader } = assert.fail()] = members;
      const streams = async (): Promise<unknown> => (await ask(network.client, "edge.status")).streams;
      reader.freeze(true);
      await waitFor("the reader to be cut", async () => {
        load.send(received.user, PAYLOAD_BYTES);
        await network.client.flush();
        return (await streams()) === members.length - 1;
      });
      reader.freeze(false);
      await crowd.settle();
      crowd.assertFlawless();
      assert.ok(reader.connections > 1);
    });
  });
