// One edge's presence over a real broker. The test plays the graph service at the other end.

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { EVERY_EDGE, edgeSubject, parseUserId } from "../../broker/contract.ts";
import {
  BEAT_MS,
  type BrokerClient,
  type FanoutMode,
  PRESENCE_VERSION,
  parseOrder,
} from "../../broker/index.ts";
import { embedded, type TestBroker, urlOf } from "../../test/support/brokers.ts";
import { connectClient } from "../../test/support/client.ts";
import { PlayedGraph } from "../../test/support/played-graph.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { JOIN_MS } from "../config.ts";
import { MapUserTable } from "../pool/user-table.ts";
import { Presence } from "./presence.ts";
import { PresenceLog } from "./presence-log.ts";

const EDGE = "one";

describe("presence of an edge", () => {
  let broker: TestBroker;
  let client: BrokerClient;
  let graph: PlayedGraph;
  let table: MapUserTable;
  let log: PresenceLog;
  let presence: Presence;
  let losses: string[];
  let otherVersions: number[];
  let changes: boolean[];

  const make = (mode: FanoutMode): void => {
    table = new MapUserTable();
    log = new PresenceLog(table);
    presence = new Presence({
      ...{ client, edgeId: EDGE, mode, log },
      onLoss: (reason) => losses.push(reason),
      onOtherVersion: (version) => otherVersions.push(version),
      onGraph: () => changes.push(presence.graphPresent),
    });
  };
  const handlesOf = (...users: string[]): number[] => users.map((user) => table.acquire(parseUserId(user)));

  beforeEach(async () => {
    broker = await embedded.start();
    client = await connectClient({ url: urlOf(broker) }, "edge");
    graph = await PlayedGraph.start(urlOf(broker), EDGE);
    [losses, otherVersions, changes] = [[], [], []];
    make("frames");
    for (const subject of [edgeSubject(EDGE), EVERY_EDGE])
      client.subscribe(subject, ({ data }) => {
        const order = parseOrder(data);
        if (order.type !== "mark" && order.type !== "tally") presence.obey(order);
      });
    await client.flush();
  });
  afterEach(async () => {
    presence.stop();
    await client.close();
    await graph.close();
    await broker.stop();
  });

  it("start - announces an empty epoch, and resolves with the acknowledgement", async () => {
    const startedAt = performance.now();
    await presence.start();
    assert.ok(performance.now() - startedAt < BEAT_MS / 2, "it waited for a beat");
    assert.deepEqual(graph.received, [
      { type: "delta", mode: "frames", epoch: 1, sequence: 1, leaves: [], joins: [], complete: true },
    ]);
    assert.equal(presence.graphPresent, true);
    assert.deepEqual([changes, losses], [[true], []]);
  });

  it("start without a graph - resolves after one beat", async () => {
    graph.acknowledges = false;
    const startedAt = performance.now();
    await presence.start();
    const ms = performance.now() - startedAt;
    assert.ok(ms >= BEAT_MS - 10 && ms < 3 * BEAT_MS, `${ms} ms`);
    assert.equal(presence.graphPresent, false);
  });

  it("join - is certain once the graph has acknowledged the users, and at once for users that it knows", async () => {
    await presence.start();
    graph.acknowledges = false;
    const [ann = -1, bob = -1] = handlesOf("ann", "bob");
    let isCertain: boolean | undefined;
    const joining = presence.join([ann, bob]).then((certain) => {
      isCertain = certain;
    });
    await waitFor("the delta", () => graph.lastDelta.sequence === 2);
    await client.flush();
    assert.equal(isCertain, undefined);
    graph.acknowledge();
    await joining;
    assert.equal(isCertain, true);
    assert.deepEqual(graph.deltas.at(-1)?.joins, [
      ["ann", ann],
      ["bob", bob],
    ]);
    assert.equal(await presence.join([ann]), true);
  });

  it("join without an acknowledgement - resolves with false after JOIN_MS", async () => {
    await presence.start();
    graph.acknowledges = false;
    const startedAt = performance.now();
    assert.equal(await presence.join(handlesOf("ann")), false);
    const ms = performance.now() - startedAt;
    assert.ok(ms >= JOIN_MS - 10 && ms < 3 * JOIN_MS, `${ms} ms`);
  });

  it("leave - is announced, and releases the handle with the acknowledgement", async () => {
    await presence.start();
    const handles = handlesOf("ann");
    await presence.join(handles);
    graph.acknowledges = false;
    presence.leave(handles);
    await waitFor("the delta", () => graph.deltas.at(-1)?.leaves.length === 1);
    await client.flush();
    assert.deepEqual([graph.deltas.at(-1)?.leaves, table.size], [handles, 1]);
    graph.acknowledge();
    await waitFor("the release", () => table.size === 0);
  });

  it("acknowledgement of an earlier epoch - changes nothing", async () => {
    graph.acknowledges = false;
    await presence.start();
    graph.order({ type: "acknowledge", ...graph.owner, epoch: 0, sequence: 9 });
    await graph.flush();
    await client.flush();
    assert.equal(presence.graphPresent, false);
    graph.acknowledge();
    await waitFor("the graph", () => presence.graphPresent);
  });

  it("accepts - is true for the current epoch, and false for others", async () => {
    await presence.start();
    assert.deepEqual(
      [0, 1, 2].map((epoch) => presence.accepts(epoch, 0)),
      [false, true, false],
    );
  });

  it("silent graph - is away after two unanswered beats, receives no deltas, and is back with one acknowledgement", async () => {
    await presence.start();
    graph.acknowledges = false;
    await waitFor("the graph to be away", () => !presence.graphPresent);
    const beats = graph.received.filter(({ type }) => type === "beat").length;
    assert.ok(beats >= 2, `${beats} beats`);
    assert.equal(await presence.join(handlesOf("ann")), false);
    assert.deepEqual(graph.joinedIn(1), [], "a delta was sent to a graph that is away");
    graph.acknowledge();
    await waitFor("the user", () => graph.joinedIn(1).includes("ann"));
    assert.deepEqual(changes, [true, false, true]);
  });

  it("restart order - announces all users in a later epoch, and reports the loss once that is acknowledged", async () => {
    await presence.start();
    await presence.join(handlesOf("ann", "bob"));
    losses.length = 0;
    graph.acknowledges = false;
    graph.order({ type: "restart", ...graph.owner, epoch: 7 });
    await waitFor("the epoch", () => graph.lastDelta.epoch === 8);
    await waitFor("all users", () => graph.joinedIn(8).length === 2);
    graph.order({ type: "acknowledge", ...graph.owner, epoch: 8, sequence: 0 }); // none of the users yet
    await graph.flush();
    await client.flush();
    assert.deepEqual([graph.joinedIn(8), losses], [["ann", "bob"], []]);
    graph.acknowledge();
    await waitFor("the loss", () => losses.length > 0);
    assert.deepEqual(losses, ["edge-expired"]);
    graph.order({ type: "restart", ...graph.owner, epoch: 7 }); // an old one
    await graph.flush();
    await client.flush();
    assert.equal(log.epoch, 8);
  });

  it("announce order - begins an epoch for an unknown start of a service only", async () => {
    await presence.start();
    losses.length = 0;
    const { epoch } = log;
    graph.order({ type: "announce", ...graph.owner });
    await graph.flush();
    await client.flush();
    assert.equal(log.epoch, epoch);
    graph.owner = { ...graph.owner, graph: 2 };
    graph.order({ type: "announce", ...graph.owner });
    await waitFor("the loss", () => losses.length > 0);
    assert.deepEqual([losses, log.epoch], [["graph-restarted"], epoch + 1]);
  });

  it("resync order - is reported at once, unless a noted loss is still to be reported", async () => {
    await presence.start();
    losses.length = 0;
    graph.order({ type: "resync", reason: "graph-overloaded" });
    await waitFor("the loss", () => losses.length > 0);
    graph.acknowledges = false;
    const { epoch } = log;
    graph.order({ type: "restart", ...graph.owner, epoch });
    graph.order({ type: "resync", reason: "graph-failed" });
    await waitFor("the epoch", () => graph.lastDelta.epoch === epoch + 1);
    graph.acknowledge();
    await waitFor("the other loss", () => losses.length > 1);
    assert.deepEqual(losses, ["graph-overloaded", "edge-expired"]);
  });

  it("other versions - are reported once each", async () => {
    await presence.start();
    for (const speaks of [PRESENCE_VERSION + 1, PRESENCE_VERSION + 1, PRESENCE_VERSION + 2])
      graph.order({ type: "refuse", speaks });
    graph.send(JSON.stringify({ version: PRESENCE_VERSION + 2, type: "future" }));
    await waitFor("both versions", () => otherVersions.length === 2);
    await graph.flush();
    await client.flush();
    assert.deepEqual(otherVersions, [PRESENCE_VERSION + 1, PRESENCE_VERSION + 2]);
  });

  for (const mode of ["frames", "subject"] as const) {
    it(`NATS restart in ${mode} mode - begins an epoch, and reports one loss once the graph acknowledges it`, async () => {
      make(mode);
      await presence.start();
      losses.length = 0;
      const { epoch } = log;
      const { ports } = broker;
      await broker.stop();
      await waitFor("the loss of the connection", () => !presence.graphPresent);
      broker = await embedded.start(ports);
      await waitFor("the loss to be reported", () => losses.length > 0);
      assert.deepEqual(losses, ["nats-reconnected"]);
      assert.ok(log.epoch > epoch);
      await waitFor("the graph", () => presence.graphPresent);
    });
  }

  it("stop - tells the graph that the edge leaves, and sends nothing more", async () => {
    await presence.start();
    presence.stop();
    presence.stop();
    assert.equal(await presence.join(handlesOf("ann")), false);
    assert.deepEqual(graph.joinedIn(1), []);
    assert.equal(graph.received.filter(({ type }) => type === "leaving").length, 1);
  });
});
