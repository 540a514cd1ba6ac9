// A graph whose topics are partitioned over several services: all of them together keep the guarantees of
// one, and a failure of one does not affect the others. The guarantees of fan-out itself are in
// fanout.suite.ts.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { parseCursor, parseEventId, parseTopic, partitionOf } from "../broker/contract.ts";
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

/** Returns this many names that belong to a partition. */
function namesIn(partition: number, count: number, prefix = "a"): string[] {
  const names: string[] = [];
  for (let n = 0; names.length < count; n += 1) {
    if (partitionOf(parseTopic(`${prefix}${n}`), OF) === partition) names.push(`${prefix}${n}`);
  }
  return names;
}

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

    it("authors in every partition - their events all arrive, in order per author, without duplicates, on both edges", async () => {
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

    it("a cursor - holds the position of every partition, never lowers one, and ends with that of its event", async () => {
      const reader = await read("7", 0);
      for (let i = 0; i < 50; i += 1)
        for (const author of authors) network.client.publish(`event.${author}`, "x");
      await reader.untilEvents(50 * authors.length);
      let before = PARTITIONS.map(() => 0);
      for (const { id, cursor } of reader.events) {
        const { own, others } = parseCursor(cursor) ?? assert.fail(cursor);
        assert.deepEqual(own, parseEventId(id));
        const sequences = others?.sequences ?? [];
        assert.equal(sequences.length, OF);
        assert.ok(
          sequences.every((sequence, partition) => sequence >= (before[partition] ?? 0)),
          cursor,
        );
        before = [...sequences];
      }
    });

    it("counted sends - count the same in every partition", async () => {
      await read("7", 0);
      await read("9", 1);
      await read("9", 0);
      for (const author of authors) {
        const { recipients, online, delivered, timedOut } = await network.send(`event.${author}`, "hi");
        assert.deepEqual([recipients, online, delivered, timedOut], [3, 2, 3, 0], author);
      }
    });

    it("direct messages - are forwarded by exactly one service, in order", async () => {
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

    it("graph.subscriptions and graph.online - are gathered from all partitions, whole and in pages", async () => {
      const all = new Set(authors);
      const { subscriptions } = await ask(network.client, "graph.subscriptions.7");
      assert.deepEqual(new Set(subscriptions as string[]), all);
      for (const limit of [1, 3, 8]) {
        const paged = await readPages(network.client, "subscriptions", "7", limit);
        assert.ok(paged.pageSizes.every((size) => size <= limit));
        assert.deepEqual(paged.names, subscriptions, `pages of ${limit}`);
      }
      if (fleet.includes("subject")) return; // those edges do not announce their users
      const here = [authors[1] ?? "", authors[6] ?? ""];
      for (const author of here) await read(author, 0);
      const { online } = await ask(network.client, "graph.online.7");
      assert.deepEqual(new Set(online as string[]), new Set(here));
    });

    it("`after` - is refused by the owner if it was never in that partition, and accepted after it has left", async () => {
      const pageAfter = (after?: string): Promise<Reply> =>
        ask(network.client, "graph.subscriptions.7", { after });
      const change = (verb: string, topic: string, user: string): Promise<unknown> =>
        ask(network.client, `graph.${verb}.${topic}`, user);
      const [elsewhere = ""] = namesIn(0, 1);
      for (const partition of [1, 3]) {
        const [stranger = ""] = namesIn(partition, 1, "s");
        await change("subscribe", elsewhere, stranger); // partition 0 then knows the name as a follower
        const { problem } = await pageAfter(stranger);
        assert.equal(problem?.code, 400);
        assert.match(problem?.message ?? "", /^"after" .* was not returned by this graph/);
        await change("unsubscribe", elsewhere, stranger);
      }
      const [first = "", ...others] = (await pageAfter()).subscriptions as string[];
      await change("unsubscribe", first, "7");
      assert.deepEqual((await pageAfter(first)).subscriptions, others);
      await change("subscribe", first, "7");
    });

    it("a dead service - affects only its own topics, and its return causes one resync", async () => {
      const [lives = "", dies = ""] = [authors[0], authors[2]];
      const readers = [await read("7", 0), await read("9", 1)];
      const dead = network.graphs[1];
      assert.ok(dead !== undefined);
      assert.ok(dead.partitions.owns(parseTopic(dies)));
      await network.stopGraph(dead);
      for (let i = 0; i < 100; i += 1) network.client.publish(`event.${lives}`, String(i));
      for (const reader of readers) await reader.untilEvents(100);
      assert.equal((await network.send(`event.${lives}`, "counted")).delivered, 2);
      await assert.rejects(network.send(`event.${dies}`, "unowned"), { code: "NO_RESPONDERS" });
      const { problem } = await ask(network.client, `graph.subscriptions.${lives}`);
      assert.equal(problem?.code, 503);
      assert.match(problem?.message ?? "", /^partition 1 of 4 did not reply/);
      if (fleet[0] === "frames") {
        const unsure = await read("9", 0);
        assert.match(unsure.text, /"reason":"busy"/);
      }
      await network.startGraph("1/4", dead.directory);
      for (const reader of readers) await reader.until(/"resync":\{"reason":"graph-restarted","since":/);
      await waitFor("every stream to be certain again", async () => {
        const { online, timedOut } = await network.send(`event.${dies}`, "back");
        return online === 2 && timedOut === 0;
      });
      for (const reader of readers) {
        await reader.until(/"data":"back"/);
        assert.equal(reader.text.match(/resync/g)?.length, 1);
      }
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

describe("partitions - ownership", { skip: real.skip }, () => {
  let network: TestNetwork;
  before(async () => {
    network = await TestNetwork.start({ broker: partitioned(OF), shares: ["0-1/4"], fleet: [] });
  });
  after(() => network.stop());

  it("a partition that is already served, or another partition count - is refused with the partition's number", async () => {
    await assert.rejects(network.startGraph("1-2/4"), {
      code: "GRAPH_SERVED_ALREADY",
      message: /for partition 1 of 4: stop it first/,
    });
    await assert.rejects(network.startGraph("2/8"), {
      code: "GRAPH_SERVED_ALREADY",
      message: /already serves 0-1\/4 on this NATS, which contradicts 2\/8/,
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

  it("a broker with other mappings - is detected at the start, with the missing configuration", async () => {
    const plain = await TestNetwork.start({ broker: real, shares: [], fleet: [] });
    await assert.rejects(plain.startGraph("0-3/4"), {
      code: "GRAPH_UNMAPPED",
      message: /encke broker --print-config --partitions 4/,
    });
    await plain.startGraph("0/1");
    await plain.stop();
    const other = await TestNetwork.start({ broker: partitioned(2), shares: ["0-1/4"], fleet: [] });
    await assert.rejects(
      other.startGraph("2-3/4"),
      { code: "GRAPH_UNMAPPED" },
      "its topics belong to the first service",
    );
    await other.stop();
    const split = await TestNetwork.start({ broker: partitioned(OF), shares: [], fleet: [] });
    await assert.rejects(split.startGraph("0/1"), { code: "GRAPH_UNMAPPED", message: /with --partitions/ });
    await split.startGraph("0-3/4");
    await split.stop();
  });

  it("an empty folder - accepts any partitions", async () => {
    const directory = tempDir();
    const graph = await network.startGraph("2/4", directory);
    await network.stopGraph(graph);
    await network.stopGraph(await network.startGraph("2-3/4", directory));
  });
});
