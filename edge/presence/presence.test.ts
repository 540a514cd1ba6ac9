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
import { Progress } from "../fanout/progress.ts";
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
  let progress: Progress;
  let inStep: number;
  let divided: number;
  let otherVersions: number[];
  let changes: boolean[];

  const make = (mode: FanoutMode): void => {
    table = new MapUserTable();
    log = new PresenceLog(table);
    progress = new Progress();
    progress.on("in-step", () => {
      inStep += 1;
    });
    presence = new Presence({
      ...{ client, edgeId: EDGE, mode, log, progress },
      onDivided: () => {
        divided += 1;
      },
      onOtherVersion: (version) => otherVersions.push(version),
      onGraph: () => changes.push(presence.graphPresent),
    });
  };
  /** Resolves when the edge has handled everything that the graph has sent. */
  const settle = async (): Promise<void> => {
    await graph.flush();
    await client.flush();
  };
  const handlesOf = (...users: string[]): number[] => users.map((user) => table.acquire(parseUserId(user)));

  beforeEach(async () => {
    broker = await embedded.start();
    client = await connectClient({ url: urlOf(broker) }, "edge");
    graph = await PlayedGraph.start(urlOf(broker));
    [inStep, divided, otherVersions, changes] = [0, 0, [], []];
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
      {
        type: "delta",
        mode: "frames",
        epoch: 1,
        sequence: 1,
        leaves: [],
        joins: [],
        complete: true,
        positions: [],
      },
    ]);
    assert.equal(presence.graphPresent, true);
    assert.deepEqual([changes, inStep, progress.positions.isComplete], [[true], 1, true]);
  });

  it("start without a graph - resolves after one beat", async () => {
    graph.service.answers = false;
    const startedAt = performance.now();
    await presence.start();
    const ms = performance.now() - startedAt;
    assert.ok(ms >= BEAT_MS - 10 && ms < 3 * BEAT_MS, `${ms} ms`);
    assert.equal(presence.graphPresent, false);
  });

  it("join - is certain once the graph has acknowledged the users, and at once for users that it knows", async () => {
    await presence.start();
    graph.service.answers = false;
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

  it("leave - is announced, and releases the handle with the acknowledgement", async () => {
    await presence.start();
    const handles = handlesOf("ann");
    await presence.join(handles);
    graph.service.answers = false;
    presence.leave(handles);
    await waitFor("the delta", () => graph.deltas.at(-1)?.leaves.length === 1);
    await client.flush();
    assert.deepEqual([graph.deltas.at(-1)?.leaves, table.size], [handles, 1]);
    graph.acknowledge();
    await waitFor("the release", () => table.size === 0);
  });

  it("acknowledgement of an earlier epoch - changes nothing", async () => {
    graph.service.answers = false;
    await presence.start();
    const positions = graph.positions(graph.service.owner, 0);
    graph.order({ type: "acknowledge", ...graph.service.owner, epoch: 0, sequence: 9, positions });
    await settle();
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
    graph.service.answers = false;
    await waitFor("the graph to be away", () => !presence.graphPresent);
    const beats = graph.received.filter(({ type }) => type === "beat").length;
    assert.ok(beats >= 2, `${beats} beats`);
    const joining = presence.join(handlesOf("ann"));
    await waitFor("another beat", () => graph.received.filter(({ type }) => type === "beat").length > beats);
    assert.deepEqual(graph.joinedIn(1), [], "a delta was sent to a graph that is away");
    graph.service.answers = true;
    graph.acknowledge();
    assert.equal(await joining, true);
    assert.deepEqual(graph.joinedIn(1), ["ann"]);
    assert.deepEqual(changes, [true, false, true]);
  });

  it("restart order - announces all users and the positions in a later epoch, and is in step once that is acknowledged", async () => {
    await presence.start();
    await presence.join(handlesOf("ann", "bob"));
    graph.begin(7);
    graph.acknowledge();
    await waitFor("the position", () => progress.hasReached(0, 7));
    inStep = 0;
    graph.service.answers = false;
    const { owner } = graph.service;
    graph.order({ type: "restart", ...owner, epoch: 7 });
    await waitFor("the epoch", () => graph.lastDelta.epoch === 8);
    await waitFor("all users", () => graph.joinedIn(8).length === 2);
    const positions = graph.positions(owner, 8);
    graph.order({ type: "acknowledge", ...owner, epoch: 8, sequence: 0, positions }); // none of the users yet
    await settle();
    assert.deepEqual([graph.joinedIn(8), inStep], [["ann", "bob"], 0]);
    const [first, ...others] = graph.deltas.filter(({ epoch }) => epoch === 8);
    assert.deepEqual(first?.positions, [{ partition: 0, epoch: 1, sequence: 7, open: [] }]);
    assert.ok(others.every((delta) => delta.positions === undefined));
    graph.acknowledge();
    await waitFor("the end of the beginning", () => inStep === 1);
    graph.order({ type: "restart", ...owner, epoch: 7 }); // an old one
    await settle();
    assert.equal(log.epoch, 8);
  });

  it("announce order - begins an epoch for an unknown start of a service only", async () => {
    await presence.start();
    const { epoch } = log;
    graph.announce(graph.service);
    await settle();
    assert.equal(log.epoch, epoch);
    graph.service.owner = { ...graph.service.owner, graph: 2 };
    graph.announce(graph.service);
    await waitFor("the epoch", () => graph.lastDelta.epoch === epoch + 1);
    await waitFor("the acknowledgement", () => inStep === 2);
    assert.equal(divided, 0);
  });

  it("acknowledgement with another number of messages - begins an epoch, and moves no position", async () => {
    await presence.start();
    graph.next(7); // lost
    graph.acknowledge();
    await waitFor("the epoch", () => graph.lastDelta.epoch === 2);
    assert.equal(presence.lostMessages, 1);
    assert.equal(graph.deltas.at(-1)?.positions?.[0]?.sequence, 0);
  });

  it("reported loss - begins an epoch at once, each time", async () => {
    await presence.start();
    presence.reportLost();
    presence.reportLost();
    await waitFor("the epochs", () => graph.lastDelta.epoch === 3);
    assert.equal(presence.lostMessages, 2);
    await waitFor("the acknowledgement", () => presence.accepts(3, 0) && inStep === 2);
  });

  it("another number of partitions - discards the positions and says so", async () => {
    await presence.start();
    graph.service.owner = { graph: 2, partitions: [0, 1], of: 2 };
    graph.announce(graph.service);
    await waitFor("the positions", () => progress.positions.of === 2 && progress.positions.isComplete);
    assert.equal(divided, 1);
    assert.deepEqual(graph.deltas.at(-1)?.positions, []);
  });

  it("other versions - are reported once each", async () => {
    await presence.start();
    for (const speaks of [PRESENCE_VERSION + 1, PRESENCE_VERSION + 1, PRESENCE_VERSION + 2])
      graph.order({ type: "refuse", speaks });
    graph.send(JSON.stringify({ version: PRESENCE_VERSION + 2, type: "future" }));
    await waitFor("both versions", () => otherVersions.length === 2);
    await settle();
    assert.deepEqual(otherVersions, [PRESENCE_VERSION + 1, PRESENCE_VERSION + 2]);
  });

  for (const mode of ["frames", "subject"] as const) {
    it(`NATS restart in ${mode} mode - begins an epoch with the positions, and is in step once the graph acknowledges it`, async () => {
      make(mode);
      await presence.start();
      graph.begin(7);
      graph.acknowledge();
      await waitFor("the position", () => progress.hasReached(0, 7));
      inStep = 0;
      const { epoch } = log;
      const { ports } = broker;
      await broker.stop();
      await waitFor("the loss of the connection", () => !presence.graphPresent);
      broker = await embedded.start(ports);
      await waitFor("the acknowledgement", () => inStep > 0);
      assert.ok(log.epoch > epoch);
      const [first] = graph.deltas.filter((delta) => delta.epoch === log.epoch);
      assert.equal(first?.positions?.[0]?.sequence, 7);
      await waitFor("the graph", () => presence.graphPresent);
    });
  }

  it("stop - tells the graph that the edge leaves, and sends nothing more", async () => {
    await presence.start();
    presence.stop();
    presence.stop();
    void presence.join(handlesOf("ann"));
    await waitFor("the goodbye", () => graph.received.at(-1)?.type === "leaving");
    await settle();
    assert.deepEqual(graph.joinedIn(1), []);
    assert.equal(graph.received.filter(({ type }) => type === "leaving").length, 1);
  });
});
