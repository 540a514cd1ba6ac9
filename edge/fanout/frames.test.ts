// `frames` fan-out of one edge over a real broker, with the pool for web streams. The test plays the graph
// service.

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { encodeNamed, FRAME_KIND, parseUserId, StreamPosition, type UserId } from "../../broker/contract.ts";
import type { BrokerClient } from "../../broker/index.ts";
import { embedded, type TestBroker, urlOf } from "../../test/support/brokers.ts";
import { connectClient } from "../../test/support/client.ts";
import { frameOf, PlayedGraph } from "../../test/support/played-graph.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { Body } from "../../test/support/web-edges.ts";
import { ndjson } from "../formats/ndjson.ts";
import { Inbox } from "../inbox.ts";
import { DEFAULT_LIMITS } from "../pool/pool.ts";
import { WebPool } from "../pool/web/web-pool.ts";
import { Presence } from "../presence/presence.ts";
import { PresenceLog } from "../presence/presence-log.ts";
import { EventTallies } from "../presence/tallies.ts";
import { FramesFanout } from "./frames.ts";
import { Readers } from "./readers.ts";

const EDGE = "one";
const EPOCH = 1;

describe("frames fan-out", () => {
  let broker: TestBroker;
  let client: BrokerClient;
  let graph: PlayedGraph;
  let pool: WebPool;
  let readers: Readers;
  let presence: Presence;
  let tallies: EventTallies;
  let position: StreamPosition;
  let fanout: FramesFanout;
  let inbox: Inbox;
  const bodies: Body[] = [];

  beforeEach(async () => {
    broker = await embedded.start();
    client = await connectClient({ url: urlOf(broker) }, "edge");
    graph = await PlayedGraph.start(urlOf(broker), EDGE);
    pool = new WebPool(DEFAULT_LIMITS);
    readers = new Readers(pool.table);
    tallies = new EventTallies();
    position = new StreamPosition();
    presence = new Presence({
      ...{ client, edgeId: EDGE, mode: "frames", log: new PresenceLog(pool.table) },
      onLoss: () => {},
      onOtherVersion: () => {},
      onGraph: () => {},
    });
    fanout = new FramesFanout({ pool, readers, presence, tallies, position });
    pool.onEnd((users) => fanout.leave(users));
    inbox = new Inbox({ client, edgeId: EDGE, presence, tallies, frames: fanout });
    inbox.start();
    await presence.start();
  });
  afterEach(async () => {
    await Promise.all(bodies.splice(0).map((body) => body.cancel()));
    presence.stop();
    inbox.stop();
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
  const handleOf = (name: string): number => pool.table.find(parseUserId(name));
  /** Sends bytes, and resolves when the edge has handled them. */
  const send = async (bytes: Uint8Array): Promise<void> => {
    graph.send(bytes);
    await graph.flush();
    await client.flush();
  };
  const named = (id: string, counted: boolean, ...names: readonly string[]): Uint8Array =>
    encodeNamed({
      id,
      json: new TextEncoder().encode(`{"id":"${id}"}`),
      counted,
      users: names.map(parseUserId),
    });

  it("frame - delivers each event to the handles that it names, in order, and moves the position", async () => {
    const [ann, bob] = [await open("ann"), await open("bob")];
    await send(
      frameOf(FRAME_KIND.frame, EPOCH, [
        { id: "0-1-1", data: "for both", handles: [handleOf("ann"), handleOf("bob")] },
        { id: "0-1-2", data: "for bob", handles: [handleOf("bob"), 4_000_000] },
      ]),
    );
    await bob.until(/for both.*"cursor":"0\.1\.1".*\n.*for bob.*"cursor":"0\.1\.2"/);
    await ann.until(/for both/);
    assert.doesNotMatch(ann.text, /for bob/);
    assert.deepEqual([position.cursor, fanout.counts], ["0.1.2", { messages: 1, rejected: 0 }]);
  });

  it("frames of two partitions - give each event a cursor with the other partition's position", async () => {
    const ann = await open("ann");
    for (const id of ["0-1-1", "1-1-1", "0-1-2"])
      await send(frameOf(FRAME_KIND.frame, EPOCH, [{ id, data: id, handles: [handleOf("ann")] }]));
    await ann.until(/"1\.1\.1~0\.1\.2"/);
    assert.deepEqual(
      [...ann.text.matchAll(/"cursor":"([^"]*)"/g)].map(([, cursor]) => cursor),
      ["0.1.1", "0.1.1~1.1.1", "1.1.1~0.1.2"],
    );
  });

  for (const kind of ["frame", "counted"] as const) {
    it(`${kind} of another epoch - is rejected, because its handles may name other users`, async () => {
      const ann = await open("ann");
      const event = { id: "0-1-1", data: "stale", handles: [handleOf("ann")] };
      for (const epoch of [EPOCH - 1, EPOCH + 1]) await send(frameOf(FRAME_KIND[kind], epoch, [event]));
      assert.deepEqual([fanout.counts, position.cursor], [{ messages: 2, rejected: 2 }, "0"]);
      await send(frameOf(FRAME_KIND[kind], EPOCH, [{ ...event, data: "fresh" }]));
      await ann.until(/fresh/);
      assert.doesNotMatch(ann.text, /stale/);
    });
  }

  it("frame that is broken - delivers what precedes the fault, and sends every stream a resync", async () => {
    const [ann, bob] = [await open("ann"), await open("bob")];
    const handles = [handleOf("ann")];
    const frame = frameOf(FRAME_KIND.frame, EPOCH, [
      { id: "0-1-1", data: "whole", handles },
      { id: "0-1-2", data: "broken", handles },
    ]);
    frame[frame.lastIndexOf("}".charCodeAt(0))] = "\n".charCodeAt(0);
    await send(frame);
    await bob.until(/resync.*frame-broken/);
    await ann.until(/whole.*\n.*resync.*frame-broken/);
    assert.doesNotMatch(ann.text, /broken"?\n/);
    assert.equal(fanout.counts.rejected, 1);
  });

  it("counted frame - delivers by handle, and tallies the users and the streams", async () => {
    const [ann] = [await open("ann"), await open("ann"), await open("bob"), await open("carl")];
    const handles = [handleOf("ann"), handleOf("bob"), 4_000_000];
    await send(frameOf(FRAME_KIND.counted, EPOCH, [{ id: "0-1-1", data: "counted", handles }]));
    await ann?.until(/counted/);
    assert.deepEqual(tallies.take("0-1-1"), [{ online: ["ann", "bob"], delivered: 3, last: true }]);
    assert.equal(position.cursor, "0.1.1");
  });

  it("copy by name - reaches the named users in any epoch, and is tallied only if it is counted", async () => {
    const [ann, bob] = [await open("ann"), await open("bob")];
    await send(named("0-1-1", false, "ann", "elsewhere"));
    await send(named("0-1-2", true, "bob", "elsewhere"));
    await ann.until(/0-1-1/);
    await bob.until(/0-1-2/);
    assert.doesNotMatch(ann.text, /0-1-2/);
    assert.deepEqual(tallies.take("0-1-1")[0], { online: [], delivered: 0, last: true });
    assert.deepEqual(tallies.take("0-1-2")[0], { online: ["bob"], delivered: 1, last: true });
    assert.equal(position.cursor, "0.1.2");
  });

  it("bytes of no known form - are counted and break nothing", async () => {
    const ann = await open("ann");
    const whole = frameOf(FRAME_KIND.frame, EPOCH, [{ id: "0-1-1", data: "x", handles: [handleOf("ann")] }]);
    for (const bytes of [
      Uint8Array.of(9, 9),
      whole.subarray(0, 10),
      named("0-1-2", false, "ann").subarray(0, 20),
    ])
      await send(bytes);
    assert.deepEqual(fanout.counts, { messages: 3, rejected: 3 });
    await send(whole);
    await ann.until(/"data":"x"/);
  });

  it("stream of several users - receives one copy of an event that names them all", async () => {
    const both = await open("ann", "bob");
    const handles = [handleOf("ann"), handleOf("bob")];
    await send(frameOf(FRAME_KIND.frame, EPOCH, [{ id: "0-1-1", data: "once", handles }]));
    await send(frameOf(FRAME_KIND.frame, EPOCH, [{ id: "0-1-2", data: "then", handles }]));
    await both.until(/then/);
    assert.equal(both.text.match(/once/g)?.length, 1);
  });

  it("last stream of a user - takes the user off the presence, and frees the handle after the acknowledgement", async () => {
    const [first, second] = [await open("ann"), await open("ann")];
    await first?.cancel();
    await client.flush();
    assert.deepEqual([readers.streams, readers.users], [1, 1]);
    await second?.cancel();
    await waitFor("the handle to be free", () => pool.table.size === 0);
    assert.deepEqual([readers.streams, readers.users, pool.size], [0, 0, 0]);
    assert.equal(graph.deltas.flatMap(({ leaves }) => leaves).length, 1);
  });

  it("join - resolves with false if the graph does not acknowledge the users", async () => {
    graph.acknowledges = false;
    const users: UserId[] = [parseUserId("ann")];
    assert.equal(await fanout.join(users), false);
    fanout.leave(users);
    assert.deepEqual([readers.streams, readers.users], [0, 0]);
  });
});
