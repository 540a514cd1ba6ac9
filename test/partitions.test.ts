// A graph whose topics are split over several services: what holds for one must hold for all of them together, and what
// happens to one must not happen to the others. The promises of fan-out as such: fanout.suite.ts.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { parseEventId, parsePositions, parseTopic, partitionOf } from "../broker/contract.ts";
import type { FanoutMode } from "../broker/index.ts";
import { type BrokerUnderTest, partitioned, real, realWith, SHARES } from "./support/brokers.ts";
import { ask, type Reply, readPages } from "./support/client.ts";
import { clusterOf } from "./support/cluster.ts";
import { natsServers } from "./support/nats-servers.ts";
import { TestNetwork } from "./support/network.ts";
import type { Reader } from "./support/reader.ts";
import { tempDir } from "./support/temp-dir.ts";
import { waitFor } from "./support/wait-for.ts";

const OF = 4;
const PARTITIONS = [0, 1, 2, 3];

/** So many names of each partition. */
function namesIn(partition: number, count: number, prefix = "a"): string[] {
  const names: string[] = [];
  for (let n = 0; names.length < count; n += 1) {
    if (partitionOf(parseTopic(`${prefix}${n}`), OF) === partition) names.push(`${prefix}${n}`);
  }
  return names;
}

const partitionsOf = (cursor: string): number[] =>
  (parsePositions(cursor) ?? []).map(({ partition }) => partition);

function testPartitions(broker: BrokerUnderTest, fleet: readonly FanoutMode[]): void {
  const where = `partitions, ${[...new Set(fleet)].join(" and ")}, over ${broker.name}`;
  describe(where, { skip: broker.skip }, () => {
    const authors = PARTITIONS.flatMap((partition) => namesIn(partition, 2));
    let network: TestNetwork;
    let opened: Reader[] = [];
    const read = async (user: string, edge: number): Promise<Reader> => {
      const reader = await network.read(`/stream?user=${user}`, {}, edge);
      opened.push(reader);
      return reader;
    };
    before(async () => {
      network = await TestNetwork.start({
        broker,
        shares: SHARES,
        fleet,
        follows: authors.flatMap((author) => [
          ["7", author],
          ["9", author],
        ]),
      });
      await network.ready();
    });
    after(() => network.stop());
    afterEach(() => {
      for (const reader of opened) reader.close();
      opened = [];
    });

    it("events of authors in every partition - all of them, in order per author, none twice, on both edges", async () => {
      const readers = [await read("7", 0), await read("9", 1)];
      for (let i = 0; i < 500; i += 1)
        for (const author of authors) network.client.publish(`event.${author}`, JSON.stringify({ i }));
      for (const reader of readers) {
        await reader.untilEvents(500 * authors.length);
        const { events } = reader;
        assert.equal(new Set(events.map(({ id }) => id)).size, 500 * authors.length);
        for (const author of authors) {
          const own = events.filter(({ topic }) => topic === author);
          assert.deepEqual(
            own.map(({ data }) => (data as { i: number }).i),
            Array.from({ length: 500 }, (_, i) => i),
          );
          const partition = String(partitionOf(parseTopic(author), OF));
          assert.ok(own.every(({ id }) => id.startsWith(`${partition}-`)));
        }
      }
    });

    it("a cursor - is the newest position of every partition, each once, and ends with its event's", async () => {
      const reader = await read("7", 0);
      for (let i = 0; i < 50; i += 1)
        for (const author of authors) network.client.publish(`event.${author}`, "x");
      await reader.untilEvents(50 * authors.length);
      for (const { id, cursor } of reader.events) {
        const partitions = partitionsOf(cursor);
        assert.equal(new Set(partitions).size, partitions.length, cursor);
        assert.deepEqual(parsePositions(cursor)?.at(-1), parseEventId(id));
      }
      assert.equal(partitionsOf(reader.events.at(-1)?.cursor ?? "").length, OF);
    });

    it("counted sends - count alike in every partition", async () => {
      await read("7", 0);
      await read("9", 1);
      await read("9", 0);
      for (const author of authors) {
        const { recipients, online, delivered, timedOut } = await network.send(`event.${author}`, "hi");
        assert.deepEqual([recipients, online, delivered, timedOut], [3, 2, 3, 0], author);
      }
    });

    it("direct messages - are passed on by one service each, in order", async () => {
      const users = PARTITIONS.flatMap((partition) => namesIn(partition, 1, "u"));
      const readers = await Promise.all(users.map((user, index) => read(user, index % 2)));
      for (let i = 0; i < 100; i += 1)
        for (const user of users) network.client.publish(`user.${user}`, String(i));
      for (const reader of readers) {
        await reader.untilEvents(100);
        assert.deepEqual(
          reader.events.map(({ data }) => data),
          Array.from({ length: 100 }, (_, i) => String(i)),
        );
      }
    });

    it("whom a user follows - is gathered from all partitions, whole and in pages, and who of them is here", async () => {
      const all = new Set(authors);
      const { subscriptions } = await ask(network.client, "graph.subscriptions.7");
      assert.deepEqual(new Set(subscriptions as string[]), all);
      for (const limit of [1, 3, 8]) {
        const paged = await readPages(network.client, "subscriptions", "7", limit);
        assert.ok(paged.pageSizes.every((size) => size <= limit));
        assert.deepEqual(paged.names, subscriptions, `${limit} at a time`);
      }
      if (fleet.includes("subject")) return; // those edges do not say who is on them
      const here = [authors[1] ?? "", authors[6] ?? ""];
      for (const author of here) await read(author, 0);
      const { online } = await ask(network.client, "graph.online.7");
      assert.deepEqual(new Set(online as string[]), new Set(here));
    });

    it("after a name that its partition never held - 400 from its owner; after one that has left - goes on", async () => {
      const pageAfter = (after?: string): Promise<Reply> =>
        ask(network.client, "graph.subscriptions.7", { after });
      const change = (verb: string, topic: string, user: string): Promise<unknown> =>
        ask(network.client, `graph.${verb}.${topic}`, user);
      const [elsewhere = ""] = namesIn(0, 1);
      for (const partition of [1, 3]) {
        const [stranger = ""] = namesIn(partition, 1, "s");
        await change("subscribe", elsewhere, stranger); // known in partition 0, as a follower
        const { problem } = await pageAfter(stranger);
        assert.equal(problem?.code, 400);
        assert.match(problem?.message ?? "", /^"after" .* is on no page of this graph/);
        await change("unsubscribe", elsewhere, stranger);
      }
      const [first = "", ...others] = (await pageAfter()).subscriptions as string[];
      await change("unsubscribe", first, "7");
      assert.deepEqual((await pageAfter(first)).subscriptions, others);
      await change("subscribe", first, "7");
    });

    it("one service dies - events of the others go on, what needs it says so; back again, readers are told", async () => {
      const [lives = "", dies = ""] = [authors[0], authors[2]];
      const readers = [await read("7", 0), await read("9", 1)];
      const dead = network.graphs[1];
      assert.ok(dead !== undefined);
      assert.ok(dead.partitions.owns(parseTopic(dies)));
      await network.stopGraph(dead);
      for (let i = 0; i < 100; i += 1) network.client.publish(`event.${lives}`, String(i));
      for (const reader of readers) await reader.untilEvents(100);
      assert.equal((await network.send(`event.${lives}`, "counted")).delivered, 2);
      await assert.rejects(network.send(`event.${dies}`, "for nobody"), { code: "NO_RESPONDERS" });
      const { problem } = await ask(network.client, `graph.subscriptions.${lives}`);
      assert.equal(problem?.code, 503);
      assert.match(problem?.message ?? "", /^partition 1 of 4 did not answer/);
      if (fleet[0] === "frames") {
        const unsure = await read("9", 0);
        assert.match(unsure.text, /"reason":"join-unsure"/);
        await network.send(`event.${lives}`, "to the unsure");
        await unsure.untilEvents(1);
      }
      await network.startGraph("1/4", dead.directory);
      for (const reader of readers) await reader.until(/"resync":\{"reason":"graph-restarted"\}/);
      await waitFor("everybody to be sure again", async () => {
        const { online, timedOut } = await network.send(`event.${dies}`, "back");
        return online === 2 && timedOut === 0;
      });
      for (const reader of readers) await reader.until(/"data":"back"/);
    });
  });
}

for (const server of natsServers) {
  const divided = realWith({ server, partitions: OF });
  testPartitions(divided, ["frames", "frames"]);
  testPartitions(divided, ["subject", "subject"]);
  testPartitions(clusterOf(OF, server), ["frames", "frames"]);
  testPartitions(clusterOf(OF, server), ["subject", "frames"]);
}

describe("partitions - who may serve what", { skip: real.skip }, () => {
  let network: TestNetwork;
  before(async () => {
    network = await TestNetwork.start({ broker: partitioned(OF), shares: ["0-1/4"], fleet: [] });
  });
  after(() => network.stop());

  it("a partition that somebody serves, or another count of them - is refused, by name", async () => {
    await assert.rejects(network.startGraph("1-2/4"), {
      code: "GRAPH_SERVED_ALREADY",
      message: /for partition 1 of 4 already/,
    });
    await assert.rejects(network.startGraph("2/8"), {
      code: "GRAPH_SERVED_ALREADY",
      message: /answers on this NATS for 0-1\/4, which does not go with 2\/8/,
    });
    await assert.rejects(network.startGraph("0/1"), { code: "GRAPH_SERVED_ALREADY" });
    const second = await network.startGraph("2-3/4");
    await network.stopGraph(second);
  });

  it("a folder - is served for the partitions that it holds, and for no others", async () => {
    const first = network.graphs[0];
    assert.ok(first !== undefined);
    await network.follow("7", namesIn(0, 1)[0] ?? "");
    await network.stopGraph(first);
    for (const other of ["0/4", "0-3/4"])
      await assert.rejects(network.startGraph(other, first.directory), {
        code: "GRAPH_OTHER_PARTITIONS",
        message: /holds partitions 0-1\/4 and not .*: serve it with --partitions 0-1\/4/,
      });
    await network.startGraph("0-1/4", first.directory);
  });

  it("a broker that splits the topics otherwise - is noticed at the start, with what it lacks", async () => {
    const plain = await TestNetwork.start({ broker: real, shares: [], fleet: [] });
    await assert.rejects(plain.startGraph("0-3/4"), {
      code: "GRAPH_UNMAPPED",
      message: /encke broker --print-config --partitions 4/,
    });
    await plain.startGraph("0/1");
    await plain.stop();
    const other = await TestNetwork.start({ broker: partitioned(2), shares: ["0-1/4"], fleet: [] });
    await assert.rejects(other.startGraph("2-3/4"), { code: "GRAPH_UNMAPPED" }, "its topics go to the first");
    await other.stop();
    const split = await TestNetwork.start({ broker: partitioned(OF), shares: [], fleet: [] });
    await assert.rejects(split.startGraph("0/1"), { code: "GRAPH_UNMAPPED", message: /with --partitions/ });
    await split.startGraph("0-3/4");
    await split.stop();
  });

  it("an empty folder - may become anybody's", async () => {
    const directory = tempDir();
    const graph = await network.startGraph("2/4", directory);
    await network.stopGraph(graph);
    await network.stopGraph(await network.startGraph("2-3/4", directory));
  });
});
