// `subject` fan-out of one edge over every broker, with the pool for web streams. The test plays the graph.

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { edgeSubject } from "../../broker/contract.ts";
import { eventHeaders, parseTallyPart, type TallyPart } from "../../broker/index.ts";
import { AssembledEdge, cursorsIn, dataIn } from "../../test/support/assembled-edge.ts";
import { type BrokerUnderTest, brokers } from "../../test/support/brokers.ts";
import { encoded, idOf, ownOf, type PlayedGraph } from "../../test/support/played-graph.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import type { Body } from "../../test/support/web-edges.ts";
import type { EdgeParts } from "../assemble.ts";
import type { WebPool } from "../pool/web/web-pool.ts";

for (const broker of brokers) testSubjectFanout(broker);

function testSubjectFanout(underTest: BrokerUnderTest): void {
  describe(`subject fan-out over ${underTest.name}`, { skip: underTest.skip }, () => {
    let edge: AssembledEdge;
    let graph: PlayedGraph;
    let parts: EdgeParts<WebPool>;

    beforeEach(async () => {
      edge = await AssembledEdge.start({ mode: "subject", broker: underTest });
      ({ graph, parts } = edge);
    });
    afterEach(() => edge.stop());

    /** Publishes the copy of an event for one user and the position after it. */
    const send = (user: string, sequence: number, data: string, counted = false): void => {
      graph.copy(user, idOf(sequence), data, counted);
      graph.move(sequence);
    };
    const tallyOf = async (event: string): Promise<TallyPart> => {
      const order = JSON.stringify({ version: 3, type: "tally", event });
      return parseTallyPart((await graph.client.request(edgeSubject("one"), order, 5_000)).data);
    };

    it("join - subscribes once per user, and the last leave unsubscribes", async () => {
      const [first, second] = [await edge.open("ann"), await edge.open("ann")];
      send("ann", 1, "for both streams");
      await Promise.all([first, second].map((body) => body?.until(/for both/)));
      await first?.cancel();
      send("ann", 2, "for one");
      await second?.until(/for one/);
      const { messages } = parts.counts;
      await second?.cancel();
      await edge.settle();
      graph.copy("ann", idOf(3), "for none");
      await edge.settle();
      assert.deepEqual(parts.counts, { messages, rejected: 0 });
      assert.deepEqual([parts.readers.streams, parts.readers.users, parts.pool.table.size], [0, 0, 0]);
    });

    it("user who returns - is reachable again, although the handle names another user meanwhile", async () => {
      await (await edge.open("ann")).cancel();
      const [bob, ann] = [await edge.open("bob"), await edge.open("ann")];
      send("ann", 1, "for ann");
      send("bob", 2, "for bob");
      await bob?.until(/for bob/);
      assert.deepEqual([dataIn(ann as Body), dataIn(bob as Body)], [["for ann"], ["for bob"]]);
    });

    it("copies - wait for the position that covers them, and those of one event carry one cursor", async () => {
      const [ann, bob] = [await edge.open("ann"), await edge.open("bob")];
      graph.copy("ann", idOf(1), "first");
      graph.copy("ann", idOf(2), "second");
      graph.copy("bob", idOf(1), "first");
      graph.copy("bob", idOf(3), "third");
      await edge.settle();
      assert.deepEqual([dataIn(ann), dataIn(bob)], [[], []]);
      graph.move(2);
      await Promise.all([ann.until(/second/), bob.until(/first/)]);
      assert.deepEqual([dataIn(ann), dataIn(bob)], [["first", "second"], ["first"]]);
      assert.deepEqual(cursorsIn(ann).slice(1).map(ownOf), [1, 2]);
      assert.equal(cursorsIn(ann)[1], cursorsIn(bob)[1]);
      graph.copy("ann", idOf(2), "second"); // it has passed
      graph.move(3);
      await bob.until(/third/);
      assert.deepEqual(dataIn(ann), ["first", "second"]);
    });

    it("copies of a long event - are delivered when it closes, and hold up no others", async () => {
      const [ann, bob] = [await edge.open("ann"), await edge.open("bob")];
      graph.openLong(1, "long", "42");
      graph.copy("ann", idOf(1), "long");
      send("ann", 2, "short");
      await ann.until(/short/);
      graph.copy("bob", idOf(1), "long");
      await edge.settle();
      assert.deepEqual([dataIn(ann), dataIn(bob)], [["short"], []]);
      graph.closeLong(1);
      await bob.until(/long/);
      assert.deepEqual(dataIn(ann), ["short", "long"]);
      assert.equal(ownOf(cursorsIn(bob).at(-1)), 2);
    });

    it("ended follow - takes back the user's copies that have not passed", async () => {
      const [ann, bob] = [await edge.open("ann"), await edge.open("bob")];
      for (const user of ["ann", "bob"]) for (const one of [1, 2]) graph.copy(user, idOf(one), `${one}`);
      graph.withdraw(1, { user: "ann", topic: "42" });
      graph.move(2);
      await Promise.all([ann.until(/"2"/), bob.until(/"2"/)]);
      assert.deepEqual([dataIn(ann), dataIn(bob)], [["2"], ["1", "2"]]);
    });

    it("counted copy - is tallied with the user and the number of streams; others are not", async () => {
      const ann = await edge.open("ann");
      for (const user of ["ann", "bob"]) await edge.open(user);
      for (const user of ["ann", "bob"]) graph.copy(user, idOf(1), "counted", true);
      send("ann", 2, "plain");
      await ann.until(/plain/);
      assert.deepEqual(await tallyOf(idOf(1)), { online: ["ann", "bob"], delivered: 3, last: true });
      assert.deepEqual(await tallyOf(idOf(2)), { online: [], delivered: 0, last: true });
    });

    it("malformed copies - are counted and reach no stream", async () => {
      const ann = await edge.open("ann");
      const publish = (id: string, body: string): void => {
        graph.client.publish("copy.ann", body, { headers: eventHeaders(id, false) });
      };
      publish("no event id", '{"id":"evil"}');
      publish(idOf(1), `{"id":"${idOf(1)}"}\n{"evil":1}`);
      publish(idOf(2), "evil");
      send("ann", 3, "good");
      await ann.until(/good/);
      assert.doesNotMatch(ann.text, /evil/);
      assert.equal(parts.counts.rejected, 3);
    });

    it("marker - is requested again until it arrives, and the stream opens at its position", async () => {
      graph.marksCopies = false;
      const opening = edge.request("ann");
      await waitFor("the request to be repeated", () => graph.marks.length >= 3);
      assert.equal(opening.text, "");
      graph.begin(9);
      graph.marksCopies = true;
      await waitFor("a marker", () => graph.marks.length >= 4);
      await edge.settle();
      assert.equal(opening.text, "", "this edge has not come as far");
      graph.move(9);
      await opening.until(/cursor/);
      assert.equal(ownOf(cursorsIn(opening)[0]), 9);
      const asked = graph.marks.length;
      await edge.open("ann");
      assert.equal(graph.marks.length, asked, "the user's copies are known to arrive");
    });

    it("lost message - is made up for by a replay for each user, while newer copies wait", async () => {
      const [ann, bob] = [await edge.open("ann"), await edge.open("bob")];
      send("ann", 1, "one");
      await ann.until(/one/);
      graph.next(2); // lost
      graph.copy("ann", idOf(5), "five");
      graph.move(5);
      await waitFor("the replays", () => new Set(graph.replays.map(({ item }) => item.user)).size === 2);
      const last = (user: string) =>
        graph.replays.findLast(({ item }) => item.user === user) ?? assert.fail();
      assert.deepEqual(last("ann").item.after, { epoch: 1, sequence: 1, open: [] });
      assert.equal(last("ann").item.upTo, 5);
      const known = graph.lastDelta.epoch;
      send("ann", 6, "six");
      await edge.settle();
      assert.deepEqual(dataIn(ann), ["one"], "what is newer waits");
      graph.page(last("bob"), [encoded(idOf(4), "four", "42")]);
      graph.page(last("ann"), [encoded(idOf(3), "three", "42")], { upTo: 3, last: false });
      await waitFor("the next page", () => last("ann").item.after.sequence === 3);
      graph.page(last("ann"), [encoded(idOf(5), "five", "42")]);
      await Promise.all([ann.until(/six/), bob.until(/four/)]);
      assert.deepEqual([dataIn(ann), dataIn(bob)], [["one", "three", "five", "six"], ["four"]]);
      assert.equal(graph.lastDelta.epoch, known);
    });

    it("hole in what is made up for - is told to every reader", async () => {
      const [ann, bob] = [await edge.open("ann"), await edge.open("bob")];
      graph.next(4); // lost
      graph.acknowledge();
      const late = { reason: "late", since: "2026-12-01T00:00:00.000Z" } as const;
      await waitFor("the replays", () => new Set(graph.replays.map(({ item }) => item.user)).size === 2);
      for (const user of ["ann", "bob"]) {
        const asked = graph.replays.findLast(({ item }) => item.user === user) ?? assert.fail();
        graph.page(asked, [], { hole: late });
      }
      await Promise.all([ann.until(/resync/), bob.until(/resync/)]);
      send("ann", 5, "then");
      await ann.until(/then/);
      assert.deepEqual([dataIn(ann), dataIn(bob)], [["resync late", "then"], ["resync late"]]);
    });

    it("stream begun while NATS is away - opens after the return, and is reachable", async () => {
      const { ports } = edge.broker;
      await edge.broker.stop();
      await waitFor("the loss of the connection", () => !edge.client.connected);
      const ann = edge.request("ann");
      edge.broker = await underTest.start(ports);
      const { presence } = parts;
      await waitFor("both connections", () => edge.client.connected && graph.client.connected);
      await waitFor("the epoch", () => presence.graphPresent && graph.lastDelta.epoch === presence.epoch);
      await ann.until(/cursor/);
      send("ann", 1, "after the return");
      await waitFor("the event", () => {
        // this edge asks for it if it was published while the edge caught up
        const missed = [encoded(idOf(1), "after the return", "42")];
        for (const replay of graph.replays.splice(0)) graph.page(replay, missed);
        return ann.text.includes("after the return");
      });
      assert.deepEqual(dataIn(ann), ["after the return"]);
    });
  });
}
