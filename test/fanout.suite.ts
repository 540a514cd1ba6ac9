// The guarantees of fan-out, for every broker and every fan-out mode.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { headers } from "nats";
import { MAX_PAYLOAD_BYTES } from "../broker/contract.ts";
import { type FanoutMode, serviceErrorOf } from "../broker/index.ts";
import type { IntakeOptions } from "../graph/index.ts";
import type { BrokerUnderTest } from "./support/brokers.ts";
import { TestNetwork } from "./support/network.ts";
import { waitFor } from "./support/wait-for.ts";

const SSE = { Accept: "text/event-stream" };

/**
 * Tests fan-out with two edges.
 * @param fleet the fan-out mode of each edge
 * @param shares the partitions of each graph service
 * @param intake what stores events first
 */
export function testFanout(
  broker: BrokerUnderTest,
  fleet: readonly [FanoutMode, FanoutMode],
  shares: readonly string[] = ["0/1"],
  intake: IntakeOptions["kind"] = "auto",
): void {
  const streams = intake === "jetstream" ? ", streams as intake" : "";
  const where = `fan-out, ${[...new Set(fleet)].join(" and ")}, over ${broker.name}${streams}`;
  describe(`${where} - the article's session`, { skip: broker.skip, concurrency: 1 }, () => {
    let network: TestNetwork;
    before(async () => {
      network = await TestNetwork.start({
        broker,
        shares,
        intake: { kind: intake },
        fleet: [fleet[0]],
        follows: [
          ["alice", "rj"],
          ["bob", "rj"],
        ],
      });
      await network.ready();
    });
    after(() => network.stop());

    it("no reader - counts 3 recipients and 0 deliveries", async () => {
      const { recipients, online, delivered, timedOut } = await network.send("event.rj", "anybody?");
      assert.deepEqual(
        { recipients, online, delivered, timedOut },
        { recipients: 3, online: 0, delivered: 0, timedOut: 0 },
      );
    });

    it("alice opens a stream - receives the event, counted as 1 delivery", async () => {
      const alice = await network.read("/stream?user=alice");
      const { recipients, online, delivered } = await network.send("event.rj", "hello");
      assert.deepEqual({ recipients, online, delivered }, { recipients: 3, online: 1, delivered: 1 });
      await alice.untilEvents(1);
      assert.deepEqual([alice.events[0]?.topic, alice.events[0]?.data], ["rj", "hello"]);
      alice.close();
    });

    it("one stream of alice and carol - receives one copy, in the article's format", async () => {
      const both = await network.read("/test/alice,carol");
      await both.until(/welcomes you! Your Id: alice,carol\n/);
      await network.follow("carol", "rj");
      const { recipients, online, delivered } = await network.send("event.rj", "it's me");
      assert.deepEqual({ recipients, online, delivered }, { recipients: 4, online: 2, delivered: 1 });
      network.client.publish("user.carol", "for carol");
      await both.until(/Recvd msg #1: 'it's me'\nRecvd msg #2: 'for carol'\n/);
      assert.equal(both.text.match(/it's me/g)?.length, 1, "once, although two of its users follow rj");
      await network.unfollow("carol", "rj");
      both.close();
    });

    it("bob unfollows rj - leaves one recipient fewer", async () => {
      await network.unfollow("bob", "rj");
      assert.equal((await network.send("event.rj", "fewer")).recipients, 2);
      await network.follow("bob", "rj");
    });
  });

  describe(`${where} - guarantees`, { skip: broker.skip, concurrency: 1 }, () => {
    let network: TestNetwork;
    before(async () => {
      network = await TestNetwork.start({
        broker,
        shares,
        intake: { kind: intake },
        fleet,
        follows: [
          ["7", "42"],
          ["9", "42"],
          ["7", "photo.789"],
        ],
      });
      await network.ready();
    });
    after(() => network.stop());
    let opened: { close(): void }[] = [];
    beforeEach(() => {
      opened = [];
    });
    afterEach(() => {
      for (const reader of opened) reader.close();
    });
    const read: TestNetwork["read"] = async (...args) => {
      const reader = await network.read(...args);
      opened.push(reader);
      return reader;
    };

    it("an open stream - receives everything published after its head", async () => {
      for (let round = 0; round < 20; round += 1) {
        const reader = await network.read("/stream?user=7", {}, round % 2);
        network.client.publish("event.42", `round ${round}`);
        await reader.untilEvents(1);
        assert.equal(reader.events[0]?.data, `round ${round}`);
        reader.close();
      }
    });

    it("an event - reaches the followers and the author, and no other user", async () => {
      const [follower, author, stranger] = [
        await read("/stream?user=9"),
        await read("/stream?user=42"),
        await read("/stream?user=8"),
      ];
      const seen = await network.send("event.42", "hi");
      assert.deepEqual([seen.recipients, seen.online, seen.delivered], [3, 2, 2]);
      await Promise.all([follower.untilEvents(1), author.untilEvents(1)]);
      await network.client.request("graph.count.42", "", 1_000);
      assert.equal(stranger.events.length, 0);
    });

    it("a topic of several tokens - reaches its followers and no other user", async () => {
      const follower = await read("/stream?user=7");
      const seen = await network.send("event.photo.789", "tagged");
      assert.deepEqual([seen.recipients, seen.online, seen.delivered], [1, 1, 1]);
      await follower.untilEvents(1);
      assert.equal(follower.events[0]?.topic, "photo.789");
    });

    it("several streams of one user on both edges - each receive the event, and the user counts once", async () => {
      const streams = [
        await read("/stream?user=9", {}, 0),
        await read("/stream?user=9", {}, 0),
        await read("/stream?user=9", {}, 1),
      ];
      const seen = await network.send("event.42", "tabs");
      assert.deepEqual([seen.online, seen.delivered], [1, 3]);
      for (const stream of streams) await stream.untilEvents(1);
      streams[0]?.close();
      await waitFor(
        "the closed stream to be forgotten",
        async () => (await network.send("event.42", "one less")).delivered === 2,
      );
    });

    it("3,000 events of three authors - arrive completely, in order per author, without duplicates", async () => {
      await network.follow("reader", "a1");
      await network.follow("reader", "a2");
      const reader = await read("/stream?user=reader");
      const authors = ["a1", "a2", "reader"];
      for (let i = 0; i < 1_000; i += 1)
        for (const author of authors) network.client.publish(`event.${author}`, JSON.stringify({ i }));
      await reader.untilEvents(3_000);
      for (const author of authors) {
        const numbers = reader.events
          .filter(({ topic }) => topic === author)
          .map(({ data }) => (data as { i: number }).i);
        assert.deepEqual(
          numbers,
          Array.from({ length: 1_000 }, (_, i) => i),
        );
      }
      assert.equal(new Set(reader.events.map(({ id }) => id)).size, 3_000);
      assert.equal(new Set(reader.events.map(({ cursor }) => cursor)).size, 3_000);
    });

    it("a direct message - reaches only its user, without a topic, in the order of its sender's messages", async () => {
      const reader = await read("/stream?user=9");
      for (let i = 0; i < 100; i += 1) network.client.publish("user.9", `direct ${i}`);
      await reader.untilEvents(100);
      assert.deepEqual(
        reader.events.map(({ data }) => data),
        Array.from({ length: 100 }, (_, i) => `direct ${i}`),
      );
      assert.ok(reader.events.every((event) => !("topic" in event)));
    });

    it("formats - render one event in three forms", async () => {
      const [lines, sse, text] = [
        await read("/stream?user=9"),
        await read("/stream?user=9", SSE),
        await read("/test/9"),
      ];
      await network.send("event.42", '{"a":[1]}');
      await lines.untilEvents(1);
      await sse.until(
        /\n\n(:\n\n)?id: \S+\ndata: \{"id":"[^"]+","topic":"42","time":"[^"]+","data":\{"a":\[1\]\}\}\n\n/,
      );
      await text.until(/Recvd msg #1: '\{"a":\[1\]\}'\n/);
      assert.match(sse.text, /^id: \S+\nretry: \d+\n/);
      const cursor = /id: (\S+)\ndata:/.exec(sse.text)?.[1];
      assert.equal(lines.events[0]?.cursor, cursor);
    });

    it("bad subjects and payloads - get an error reply each, and nothing is delivered", async () => {
      const reader = await read("/stream?user=42");
      const big = "x".repeat(MAX_PAYLOAD_BYTES + 1);
      const bad = [
        ["event.42.b.c.d.e", "x", 400],
        ["event.é", "x", 400],
        [`event.${"x".repeat(65)}`, "x", 400],
        ["event.42", big, 413],
        ["user.42", big, 413],
      ] as const;
      for (const [subject, payload, code] of bad) {
        const problem = serviceErrorOf(await network.client.request(subject, payload, 2_000));
        assert.equal(problem?.code, code, subject);
      }
      const million = new Uint8Array(1_000_000);
      assert.equal(serviceErrorOf(await network.client.request("event.42", million, 2_000))?.code, 413);
      await network.send("event.42", "after all that");
      await reader.untilEvents(1);
      assert.equal(reader.events[0]?.data, "after all that");
    });

    it("a payload that is not UTF-8 - arrives as base64", async () => {
      const reader = await read("/stream?user=42");
      network.client.publish("event.42", Uint8Array.of(0xff, 0x00));
      await reader.untilEvents(1);
      assert.equal((reader.events[0] as { data_base64?: string }).data_base64, "/wA=");
    });

    it("a producer with the headers of copies - publishes a message like any other", async () => {
      const reader = await read("/stream?user=42");
      const bodies = ['{"id":"x"}\n\ndata: {"evil":1}', '{"id":"x"}', "no json"];
      for (const body of bodies) {
        const forged = headers();
        forged.set("Encke-Event", "0-1-1");
        forged.set("Encke-Count", "1");
        network.client.publish("user.42", body, { headers: forged });
      }
      await network.send("event.42", "still fine");
      await reader.untilEvents(4);
      assert.deepEqual(
        reader.events.map(({ data }) => data),
        [bodies[0], { id: "x" }, "no json", "still fine"],
      );
      assert.equal(new Set(reader.events.map(({ id }) => id)).size, 4, "each with an id of its own");
    });

    it("a stream that opens while NATS is away - waits for its return, or is told to come back", async () => {
      await network.broker.stop();
      const opening = read("/stream?user=9", SSE);
      await network.restartBroker(broker);
      let reader = await opening;
      if (/"reason":"busy"/.test(reader.text)) reader = await read("/stream?user=9", SSE); // a slow return
      assert.match(reader.text, /event: welcome/);
      await network.send("event.42", "found again");
      await reader.until(/"data":"found again"/);
    });

    it("a NATS restart - interrupts no stream, and readers of a lone server notice nothing", async () => {
      const streams = [await read("/stream?user=9", SSE), await read("/stream?user=42", SSE, 1)];
      await network.send("event.42", "before the restart");
      for (const stream of streams) await stream.until(/before the restart/);
      await network.broker.stop();
      await network.restartBroker(broker);
      await network.ready();
      // an event that passes shows that edge and graph have finished announcing the restart
      await waitFor("an event to go through", () =>
        network.send("event.42", "after the restart").then(
          ({ online }) => online > 0,
          () => false, // the test's own client has not reconnected yet
        ),
      );
      for (const stream of streams) await stream.until(/after the restart/);
      for (const { text, ended } of streams) {
        assert.equal(ended, undefined);
        assert.equal(text.match(/before the restart/g)?.length, 1);
        const told = [...text.matchAll(/event: resync\ndata: \{"reason":"([a-z-]+)"/g)].map(
          ([, reason]) => reason,
        );
        // in a cluster, producers at other nodes may have published while the graph was between two
        if (network.broker.urls.length === 1) assert.deepEqual(told, []);
        else assert.ok(told.every((reason) => reason === "late"));
      }
    });

    it("a graph restart with streams - sends readers what was published meanwhile, and no resync", {
      skip: intake !== "jetstream" && "without streams",
    }, async () => {
      const streams = [await read("/stream?user=9", SSE), await read("/stream?user=9", SSE, 1)];
      const graphs = [...network.graphs];
      for (const graph of graphs) await network.stopGraph(graph);
      network.client.publish("event.42", "meanwhile");
      await network.client.flush();
      for (const { partitions, directory } of graphs) await network.startGraph(String(partitions), directory);
      await network.ready();
      await network.send("event.42", "back");
      for (const stream of streams) {
        await stream.until(/"data":"meanwhile"[\s\S]*"data":"back"/);
        assert.doesNotMatch(stream.text, /event: resync/);
      }
    });

    it("a graph restart - sends every reader one resync per service with its time, and events continue", {
      skip: intake === "jetstream" && "nothing is lost with streams",
    }, async () => {
      const streams = [await read("/stream?user=9", SSE), await read("/stream?user=9", SSE, 1)];
      await network.restartGraphs();
      for (const stream of streams)
        await stream.until(/event: resync\ndata: \{"reason":"graph-restarted","since":"[^"]+"/);
      await network.ready();
      await network.send("event.42", "back");
      for (const stream of streams) {
        await stream.until(/"data":"back"/);
        const told = [
          ...stream.text.matchAll(/event: resync\ndata: \{"reason":"(graph-[^"]+)","since":"([^"]+)"/g),
        ];
        assert.ok(told.length <= shares.length, stream.text);
        for (const [, reason, time = ""] of told) {
          assert.equal(reason, "graph-restarted");
          assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
        }
      }
    });
  });
}
