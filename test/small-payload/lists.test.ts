// Lists and presence on NATS servers with a small max_payload: they are split over as many
// messages as necessary.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { serviceErrorOf } from "../../broker/index.ts";
import { type BrokerUnderTest, embeddedWith, realWith, SHARES } from "../support/brokers.ts";
import { readPages } from "../support/client.ts";
import { natsServers } from "../support/nats-servers.ts";
import { TestNetwork } from "../support/network.ts";
import type { Reader } from "../support/reader.ts";
import { waitFor } from "../support/wait-for.ts";
import { CARRIER_BYTES, MIN, USERS } from "./limits.ts";

/** Maximum number of users per stream. */
const PER_STREAM = 16;

for (const server of natsServers)
  for (const maxPayload of [MIN, 65_536]) {
    testLists(realWith({ server, maxPayload }), maxPayload);
    testGathered(realWith({ server, maxPayload, partitions: 4 }), maxPayload);
  }
testLists(embeddedWith(MIN), MIN);

function testLists(whole: BrokerUnderTest, maxPayload: number): void {
  describe(`long lists over ${whole.name}`, { skip: whole.skip }, () => {
    let network: TestNetwork;
    let streams: Reader[] = [];
    before(async () => {
      network = await TestNetwork.start({ broker: whole, fleet: ["frames"] });
      await network.ready();
      await follow(network, USERS, ["star"]);
    });
    after(() => network.stop());
    afterEach(() => {
      for (const stream of streams) stream.close();
      streams = [];
    });

    it("pages - are as long as fits, and contain every user once", async () => {
      const { names, longest } = await readPages(network.client, "subscribers", "star");
      assert.deepEqual(names.sort(), [...USERS].sort());
      assert.ok(longest <= maxPayload);
    });

    it("the audit - is complete and in order", async () => {
      const sequences: number[] = [];
      let after: number | undefined = 0;
      while (after !== undefined) {
        const reply = await network.client.request("graph.audit.star", JSON.stringify({ after }), 5_000);
        const page = reply.json<{ changes: { sequence: number }[]; next?: number }>();
        sequences.push(...page.changes.map(({ sequence }) => sequence));
        after = page.next;
      }
      assert.deepEqual(
        sequences,
        USERS.map((_, index) => index + 1),
      );
    });

    it("changes whose reply might not fit - are refused as a whole", async () => {
      const subscribers = USERS.slice(0, Math.floor((maxPayload - 100) / 67));
      const payload = JSON.stringify(subscribers);
      assert.ok(payload.length <= maxPayload);
      const problem = serviceErrorOf(await network.client.request("graph.subscribe.other", payload, 5_000));
      assert.equal(problem?.code, 413);
      const { count } = (await network.client.request("graph.count.other", "", 5_000)).json<{
        count: number;
      }>();
      assert.equal(count, 0);
    });

    it("presence and counted events - reach 1,500 readers on one edge, even if all are announced at once", async () => {
      const groups = Array.from({ length: Math.ceil(USERS.length / PER_STREAM) }, (_, n) =>
        USERS.slice(n * PER_STREAM, (n + 1) * PER_STREAM),
      );
      streams = await Promise.all(groups.map((users) => network.read(`/test/${users.join(",")}`)));
      // the longest possible event leaves room for few recipients beside it
      const payload = "y".repeat(Math.min(65_536, maxPayload - CARRIER_BYTES - 200));
      const expectEveryUser = async (): Promise<void> => {
        const seen = await network.send("event.star", payload);
        assert.deepEqual(seen, {
          id: seen.id,
          recipients: 1_501,
          online: 1_500,
          delivered: streams.length,
          timedOut: 0,
        });
      };
      await expectEveryUser();
      await network.broker.stop();
      await waitFor("the client to notice the loss", () => !network.client.connected);
      await network.restartBroker(whole);
      await network.ready();
      await waitFor("every user to be known again", async () => {
        const { online } = await network.send("event.star", "known?");
        return online === 1_500;
      });
      await expectEveryUser();
      network.client.publish("event.star", "uncounted");
      await Promise.all(streams.map((stream) => stream.until(/'uncounted'\n/)));
      for (const { text } of streams) assert.equal(text.match(/uncounted/g)?.length, 1);
    });
  });
}

function testGathered(divided: BrokerUnderTest, maxPayload: number): void {
  describe(`lists about a user over ${divided.name}`, { skip: divided.skip }, () => {
    let network: TestNetwork;
    const topics = USERS.slice(0, 1_000);
    before(async () => {
      network = await TestNetwork.start({ broker: divided, shares: SHARES, fleet: [] });
      await follow(network, ["7"], topics);
    });
    after(() => network.stop());

    it("a list gathered from all partitions - contains every topic once, page by page", async () => {
      const { names, longest } = await readPages(network.client, "subscriptions", "7");
      assert.equal(names.length, topics.length);
      assert.deepEqual(names.sort(), [...topics].sort());
      assert.ok(longest <= maxPayload);
    });
  });
}

/** Adds each user as a follower of each topic, in requests of a bounded size. */
async function follow(
  network: TestNetwork,
  users: readonly string[],
  topics: readonly string[],
): Promise<void> {
  const PER_REQUEST = 100;
  for (const topic of topics) {
    for (let from = 0; from < users.length; from += PER_REQUEST) {
      const payload = JSON.stringify(users.slice(from, from + PER_REQUEST));
      const reply = await network.client.request(`graph.subscribe.${topic}`, payload, 5_000);
      assert.equal(serviceErrorOf(reply), undefined);
    }
  }
}
