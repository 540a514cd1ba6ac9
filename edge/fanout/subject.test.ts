// `subject` fan-out of one edge over every broker, with the pool for web streams. The test publishes as graph
// services and producers do.

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { copySubject, encodeEvent, parseTopic, parseUserId, StreamPosition } from "../../broker/contract.ts";
import { type BrokerClient, EVENT_HEADER, eventHeaders } from "../../broker/index.ts";
import { type BrokerUnderTest, brokers, type TestBroker, urlOf } from "../../test/support/brokers.ts";
import { connectClient } from "../../test/support/client.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { Body } from "../../test/support/web-edges.ts";
import { JOIN_MS } from "../config.ts";
import { ndjson } from "../formats/ndjson.ts";
import { DEFAULT_LIMITS } from "../pool/pool.ts";
import { WebPool } from "../pool/web/web-pool.ts";
import { EventTallies } from "../presence/tallies.ts";
import { Readers } from "./readers.ts";
import { SubjectFanout } from "./subject.ts";

for (const broker of brokers) testSubjectFanout(broker);

function testSubjectFanout(underTest: BrokerUnderTest): void {
  describe(`subject fan-out over ${underTest.name}`, { skip: underTest.skip }, () => {
    let broker: TestBroker;
    let client: BrokerClient;
    let graph: BrokerClient;
    let pool: WebPool;
    let readers: Readers;
    let tallies: EventTallies;
    let position: StreamPosition;
    let fanout: SubjectFanout;
    const bodies: Body[] = [];

    beforeEach(async () => {
      broker = await underTest.start();
      client = await connectClient({ url: urlOf(broker) }, "edge");
      graph = await connectClient({ url: urlOf(broker) }, "graph");
      pool = new WebPool(DEFAULT_LIMITS);
      readers = new Readers(pool.table);
      tallies = new EventTallies();
      position = new StreamPosition();
      fanout = new SubjectFanout({ client, pool, readers, tallies, position });
      pool.onEnd((users) => fanout.leave(users));
    });
    afterEach(async () => {
      await Promise.all(bodies.splice(0).map((body) => body.cancel()));
      await client.close();
      await graph.close();
      await broker.stop();
    });

    /** Joins and opens one stream of these users. */
    const open = async (...names: readonly string[]): Promise<Body> => {
      const users = names.map(parseUserId);
      assert.equal(await fanout.join(users), true);
      const spec = { users, format: ndjson, opening: " ", cursor: position.cursor };
      const body = new Body(new Response(pool.body(spec)));
      bodies.push(body);
      return body;
    };
    const flush = async (): Promise<void> => {
      await graph.flush();
      await client.flush();
    };
    /** Publishes the copy of an event for one user, and resolves when the edge has handled it. */
    const copy = async (user: string, id: string, data: string, counted = false): Promise<void> => {
      const json = encodeEvent(id, parseTopic("42"), new Date(0), new TextEncoder().encode(data));
      graph.publish(copySubject(parseUserId(user)), json, { headers: eventHeaders(id, counted) });
      await flush();
    };

    it("join - subscribes once per user, and the last leave unsubscribes", async () => {
      const [first, second] = [await open("ann"), await open("ann")];
      await copy("ann", "0-1-1", "for both streams");
      await Promise.all([first?.until(/for both/), second?.until(/for both/)]);
      assert.equal(fanout.counts.messages, 1);
      await first?.cancel();
      await copy("ann", "0-1-2", "for one");
      await second?.until(/for one/);
      await second?.cancel();
      await flush();
      await copy("ann", "0-1-3", "for none");
      assert.deepEqual(fanout.counts, { messages: 2, rejected: 0 });
      assert.deepEqual([readers.streams, readers.users, pool.table.size], [0, 0, 0]);
    });

    it("user who returns - is reachable again, although the handle names another user meanwhile", async () => {
      await (await open("ann")).cancel();
      const [bob, ann] = [await open("bob"), await open("ann")];
      await copy("ann", "0-1-1", "for ann");
      await copy("bob", "0-1-2", "for bob");
      await ann?.until(/for ann/);
      await bob?.until(/for bob/);
      assert.doesNotMatch(`${ann?.text}`, /for bob/);
    });

    it("copies of one event - carry one cursor, even if the position has moved in between", async () => {
      const [ann, bob] = [await open("ann"), await open("bob")];
      await copy("ann", "0-1-1", "first");
      await copy("ann", "0-1-2", "second");
      await copy("bob", "0-1-1", "first");
      await bob?.until(/first/);
      await ann?.until(/"cursor":"0\.1\.1".*\n.*"cursor":"0\.1\.2"/);
      assert.match(bob?.text ?? "", /"cursor":"0\.1\.1"/);
      assert.equal(position.cursor, "0.1.2");
    });

    it("counted copy - is tallied with the user and the number of streams; others are not", async () => {
      const [ann] = [await open("ann"), await open("ann"), await open("bob")];
      await copy("ann", "0-1-1", "counted", true);
      await copy("bob", "0-1-1", "counted", true);
      await copy("ann", "0-1-2", "plain");
      await ann?.until(/plain/);
      assert.deepEqual(tallies.take("0-1-1"), [{ online: ["ann", "bob"], delivered: 3, last: true }]);
      assert.deepEqual(tallies.take("0-1-2"), [{ online: [], delivered: 0, last: true }]);
    });

    it("malformed copies - are counted and reach no stream", async () => {
      const ann = await open("ann");
      const publish = (id: string, body: string): void => {
        graph.publish("copy.ann", body, { headers: eventHeaders(id, false) });
      };
      publish("no event id", '{"id":"evil"}');
      publish("0-1-1", '{"id":"0-1-1"}\n{"evil":1}');
      publish("0-1-2", "evil");
      await copy("ann", "0-1-3", "good");
      await ann.until(/good/);
      assert.doesNotMatch(ann.text, /evil/);
      assert.deepEqual([fanout.counts, position.cursor], [{ messages: 4, rejected: 3 }, "0.1.3"]);
      assert.equal(eventHeaders("0-1-1", false).get(EVENT_HEADER), "0-1-1");
    });

    it("join while NATS is away - resolves with false within JOIN_MS, and is reachable after the return", async () => {
      const { ports } = broker;
      await broker.stop();
      await waitFor("the loss of the connection", () => !client.connected);
      const startedAt = performance.now();
      assert.equal(await fanout.join([parseUserId("ann")]), false);
      assert.ok(performance.now() - startedAt < 3 * JOIN_MS);
      const spec = { users: [parseUserId("ann")], format: ndjson, opening: " ", cursor: "0" };
      const ann = new Body(new Response(pool.body(spec)));
      bodies.push(ann);
      broker = await underTest.start(ports);
      await waitFor("both connections", () => client.connected && graph.connected);
      await flush();
      await copy("ann", "0-1-1", "after the return");
      await ann.until(/after the return/);
    });
  });
}
