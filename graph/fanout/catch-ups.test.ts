// Edges that catch up, with a real broker, a real graph and a real history: what they receive, in which
// order, and when they are acknowledged.

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import {
  COPY_PREFIX,
  EVERY_PRESENCE,
  eventSubject,
  markSubject,
  parseTopic,
  parseUserId,
  partitionOf,
  presenceSubject,
  userSubject,
} from "../../broker/contract.ts";
import {
  BrokerClient,
  decodeHole,
  type EdgePosition,
  encodeMarkRequest,
  encodePresence,
  MARKER_HEADER,
  type PresenceMessage,
  parseMarker,
} from "../../broker/index.ts";
import { createLogger } from "../../lib/log.ts";
import { embedded, type TestBroker, urlOf } from "../../test/support/brokers.ts";
import { RecordedEdge } from "../../test/support/recorded-edge.ts";
import { tempDir } from "../../test/support/temp-dir.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { assemble, type ServiceParts } from "../assemble.ts";
import { GraphStore } from "../graph-store.ts";
import { History } from "../history/history.ts";
import { Partitions } from "../partitions.ts";
import { DEFAULT_HISTORY_BOUNDS } from "../service.ts";

/** More than are looked up in one turn. */
const FANS = 9_000;
const log = createLogger("test", "silent");
const USERS: [string, number][] = [
  ["bob", 0],
  ["carol", 1],
  ["5", 2],
];

describe("catch-ups", () => {
  let broker: TestBroker;
  let client: BrokerClient;
  let observer: BrokerClient;
  let store: GraphStore;
  let history: History;
  let parts: ServiceParts;
  let edge: RecordedEdge;

  const start = async (
    directory: string,
    bounds = DEFAULT_HISTORY_BOUNDS,
    partitions = Partitions.whole,
  ): Promise<void> => {
    client = await BrokerClient.connect({ url: urlOf(broker) }, { name: "graph", log, wait: false });
    store = await GraphStore.open(directory, { partitions });
    history = await History.open(`${directory}/history`, {
      ...{ partitions: partitions.owned, lastEpoch: store.historyEpoch, recentBytes: 4_194_304 },
      onTrouble() {},
      bounds,
    });
    parts = assemble({ store, history, client, partitions, epoch: 7, log });
    parts.intake.open();
    client.subscribe(EVERY_PRESENCE, (message) => parts.receiver.receive(message));
    client.subscribe(markSubject(0), (message) => parts.markers.receive(0, message));
    await client.flush();
    parts.expander.open();
  };
  const stop = async (): Promise<void> => {
    parts.losses.stop();
    parts.requests.close();
    await parts.catchUps.stop();
    await client.close();
    await history.close();
    await store.close();
  };
  let directory: string;

  beforeEach(async () => {
    directory = tempDir();
    broker = await embedded.start();
    observer = await BrokerClient.connect({ url: urlOf(broker) }, { name: "edge", log, wait: false });
    edge = new RecordedEdge(observer, "one");
    await observer.flush();
    await start(directory);
    await follow("bob", "alice");
    await follow("carol", "alice");
    await follow("bob", "news");
  });
  afterEach(async () => {
    await stop();
    await observer.close();
    await broker.stop();
  });

  const follow = (subscriber: string, topic: string, kind: "subscribe" | "unsubscribe" = "subscribe") =>
    store.apply([{ kind, subscriber: parseUserId(subscriber), topic: parseTopic(topic) }]);
  const publish = (topic: string, data: string): void =>
    void observer.publish(eventSubject(parseTopic(topic)), data);
  /** Resolves when everything published has begun. */
  const settle = async (): Promise<void> => {
    await observer.flush();
    await client.flush();
    await parts.expander.settle();
    parts.distributor.flush();
    await client.flush();
    await observer.flush();
  };
  const delta = (epoch: number, sequence: number, more: object = {}): PresenceMessage =>
    ({
      ...{ type: "delta", mode: "frames", epoch, sequence, leaves: [], joins: USERS, complete: true },
      ...more,
    }) as PresenceMessage;
  const announce = (message: PresenceMessage): void =>
    void observer.publish(presenceSubject("one"), encodePresence(message));
  const at = (sequence: number, open: readonly number[] = [], epoch = history.epoch): EdgePosition[] => [
    { partition: 0, epoch, sequence, open },
  ];
  const acknowledged = (): Extract<RecordedEdge["orders"][number], { type: "acknowledge" }> | undefined => {
    const found = edge.orders.findLast((order) => order.type === "acknowledge" && order.sequence > 0);
    return found?.type === "acknowledge" ? found : undefined;
  };
  const inStep = (epoch: number): Promise<void> =>
    waitFor("the acknowledgement", () => acknowledged()?.epoch === epoch);

  it("an edge without positions - starts at what is begun", async () => {
    publish("alice", "before");
    await settle();
    announce(delta(1, 1));
    await inStep(1);
    assert.deepEqual(edge.lines, ["order acknowledge"]);
    const [position] = acknowledged()?.positions ?? [];
    assert.deepEqual(position, { partition: 0, epoch: history.epoch, sequence: 1, open: [], number: 0 });
    publish("alice", "after");
    await settle();
    assert.deepEqual(edge.delivered.sort(), ["0 after", "1 after"]);
  });

  it("an edge with a position - receives what comes after it, in order, before the acknowledgement", async () => {
    for (const data of ["seen", "a", "b"]) publish("alice", data);
    observer.publish(userSubject(parseUserId("5")), "direct");
    publish("news", "c");
    publish("elsewhere", "no recipient here");
    await settle();
    announce(delta(1, 1, { positions: at(1) }));
    await inStep(1);
    assert.deepEqual(edge.delivered, ["0 a", "1 a", "0 b", "1 b", "2 direct", "0 c"]);
    assert.equal(edge.lines.at(-1), "order acknowledge");
    const [position] = acknowledged()?.positions ?? [];
    assert.deepEqual([position?.number, position?.sequence], [edge.lines.length - 1, 6]);
    assert.equal(parts.catchUps.started, 1);
    assert.equal(parts.catchUps.size, 0);
  });

  it("the graph of now - decides who is sent what was missed", async () => {
    publish("alice", "a");
    await settle();
    await follow("carol", "alice", "unsubscribe");
    announce(delta(1, 1, { positions: at(0) }));
    await inStep(1);
    assert.deepEqual(edge.delivered, ["0 a"]);
  });

  it("a position at what is begun - is acknowledged at once", async () => {
    publish("alice", "a");
    await settle();
    announce(delta(1, 1, { positions: at(1) }));
    await inStep(1);
    assert.deepEqual(edge.lines, ["order acknowledge"]);
    assert.equal(parts.catchUps.started, 0);
  });

  it("a snapshot in several deltas - begins to catch up when it is complete", async () => {
    publish("alice", "a");
    await settle();
    announce(delta(1, 1, { positions: at(0), joins: USERS.slice(0, 1), complete: false }));
    await settle();
    assert.deepEqual(edge.lines, []);
    announce(delta(1, 2, { joins: USERS.slice(1) }));
    await inStep(1);
    assert.deepEqual(edge.lines, ["frame 1 @1: a 0,1", "order acknowledge"]);
    assert.equal(acknowledged()?.sequence, 2);
  });

  it("events, deltas and beats during a catch-up - nothing is lost, doubled or out of order", async () => {
    const before = 3_000;
    for (let event = 0; event < before; event += 1) publish("alice", String(event));
    await settle();
    announce(delta(1, 1, { positions: at(100) }));
    announce({ type: "beat", mode: "frames", epoch: 1, sequence: 1 });
    let live = before;
    const more = setInterval(() => {
      for (let event = 0; event < 5; event += 1) publish("alice", String(live++));
    }, 1);
    await waitFor("the catch-up", () => edge.delivered.length > 1_000);
    announce(delta(1, 2, { leaves: [1], joins: [] }));
    await waitFor("the second acknowledgement", () => acknowledged()?.sequence === 2);
    await waitFor("live events", () => live > before + 500);
    clearInterval(more);
    await settle();
    assert.equal(edge.gaps, 0);
    const toBob = edge.delivered.filter((line) => line.startsWith("0 "));
    assert.deepEqual(
      toBob,
      Array.from({ length: live - 100 }, (_, index) => `0 ${index + 100}`),
    );
  });

  it("two edges at different positions - receive each its own", async () => {
    const other = new RecordedEdge(observer, "two");
    await observer.flush();
    for (const data of ["a", "b", "c", "d"]) publish("alice", data);
    await settle();
    announce(delta(1, 1, { positions: at(0), joins: [["bob", 0]] }));
    observer.publish(
      presenceSubject("two"),
      encodePresence(delta(1, 1, { positions: at(2), joins: [["carol", 7]] })),
    );
    await inStep(1);
    await waitFor("the other edge", () => other.orders.length > 0);
    assert.deepEqual(edge.delivered, ["0 a", "0 b", "0 c", "0 d"]);
    assert.deepEqual(other.delivered, ["7 c", "7 d"]);
  });

  it("a new presence epoch in the middle - begins again from its own position", async () => {
    for (let event = 1; event <= 5_000; event += 1) publish("alice", String(event));
    await settle();
    announce(delta(1, 1, { positions: at(0) }));
    await waitFor("a part of the catch-up", () => edge.delivered.length > 500);
    announce(delta(2, 1, { positions: at(4_998) }));
    await inStep(2);
    await settle();
    assert.equal(parts.catchUps.size, 0);
    const last = edge.lines.filter((line) => line.startsWith("frame")).at(-1);
    assert.equal(last, "frame 1 @5000: 4999 0,1; 5000 0,1");
  });

  it("an event with very many followers - is sent whole, with a hole-free position", async () => {
    const fan = (id: number) =>
      ({ kind: "subscribe", subscriber: parseUserId(String(id)), topic: parseTopic("star") }) as const;
    await store.apply(Array.from({ length: FANS }, (_, id) => fan(id)));
    publish("star", "long");
    publish("alice", "after");
    await settle();
    announce(
      delta(1, 1, {
        positions: at(0),
        joins: [
          ["5", 2],
          ["8999", 3],
          ["bob", 0],
        ],
      }),
    ); // prettier-ignore
    await inStep(1);
    assert.deepEqual(edge.lines, [
      ...["open 1 @1: long", "part 2 @1: 2", "part 3 @1: 3", "close 4 @1", "frame 5 @2: after 0"],
      "order acknowledge",
    ]);
    assert.deepEqual(acknowledged()?.positions[0]?.open, []);
  });

  it("an event that was open at the edge - is sent again whole, and nothing else before the position", async () => {
    for (const data of ["open there", "seen", "new"]) publish("alice", data);
    await settle();
    announce(delta(1, 1, { positions: at(2, [1]) }));
    await inStep(1);
    assert.deepEqual(edge.lines, [
      ...["open 1 @1: open there", "part 2 @1: 0,1", "close 3 @1", "frame 4 @3: new 0,1"],
      "order acknowledge",
    ]);
  });

  it("holes in between - are sent in order", async () => {
    publish("alice", "a");
    await settle();
    history.appendHole(0, "graph-restarted", 1_000);
    parts.expander.wake();
    publish("alice", "b");
    await settle();
    announce(delta(1, 1, { positions: at(0) }));
    await inStep(1);
    assert.deepEqual(edge.lines, [
      ...["frame 1 @1: a 0,1", "hole 2 @2: graph-restarted", "frame 3 @3: b 0,1"],
      "order acknowledge",
    ]);
  });

  it("an event without a recipient at the edge - moves the position of what is sent with it", async () => {
    publish("alice", "a");
    publish("elsewhere", "no recipient here");
    await settle();
    history.appendHole(0, "late", 1_000);
    parts.expander.wake();
    // in one slice of a machine that may pause after any row
    let wanted = 0;
    for (let epoch = 1; epoch <= 100 && wanted === 0; epoch += 1) {
      announce(delta(epoch, 1, { positions: at(0) }));
      await inStep(epoch);
      wanted = edge.lines.filter((line) => line === "frame 1 @2: a 0,1").length;
    }
    assert.equal(wanted, 1);
  });

  it("a position of another epoch or beyond the last event - is a hole that moves to what is begun", async () => {
    publish("alice", "a");
    await settle();
    announce(delta(1, 1, { positions: at(1, [], history.epoch - 1) }));
    await inStep(1);
    announce(delta(2, 1, { positions: at(7) }));
    await inStep(2);
    const hole = "hole 1 @1: unknown-cursor";
    assert.deepEqual(edge.lines, [hole, "order acknowledge", hole, "order acknowledge"]);
  });

  it("rows that are no longer stored - are a hole with the times of what is missing", async () => {
    const holes: ReturnType<typeof decodeHole>[] = [];
    observer.subscribe("edge.one", ({ data }) => {
      if (data[0] === 7) holes.push(decodeHole(data.subarray(32)));
    });
    await observer.flush();
    await stop();
    await start(directory, { ...DEFAULT_HISTORY_BOUNDS, maxBytes: 100_000 });
    const from = Date.now();
    for (let event = 0; event < 300; event += 1) publish("alice", "x".repeat(1_000));
    await settle();
    await history.trim(Date.now(), parts.expander.oldestNeeded);
    assert.ok(history.first > 1);
    announce(delta(1, 1, { positions: at(1) }));
    await inStep(1);
    const last = parts.begun.at(0).sequence;
    assert.deepEqual(edge.lines, [`hole 1 @${last}: too-old`, "order acknowledge"]);
    const [{ since = "", oldest = "" } = {}] = holes;
    assert.ok(Date.parse(since) >= from && Date.parse(since) <= Date.parse(oldest), `${since} ${oldest}`);
  });

  it("several partitions - each is sent from its own position, and one without a position not at all", async () => {
    await stop();
    await start(tempDir(), DEFAULT_HISTORY_BOUNDS, Partitions.parse("0-2/3"));
    const topics = ["t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7"];
    for (const topic of topics) await follow("bob", topic);
    const inPartition = (partition: number): string[] =>
      topics.filter((topic) => partitionOf(topic, 3) === partition);
    for (const topic of topics)
      observer.publish(`part.${partitionOf(topic, 3)}.${eventSubject(parseTopic(topic))}`, topic);
    await settle();
    assert.ok([0, 1, 2].every((partition) => inPartition(partition).length > 1));
    const { epoch } = history;
    const positions = [
      { partition: 0, epoch, sequence: 0, open: [] },
      { partition: 1, epoch, sequence: 1, open: [] },
    ];
    announce(delta(1, 1, { positions }));
    await inStep(1);
    const expected = topics.filter(
      (topic) => partitionOf(topic, 3) === 0 || inPartition(1).indexOf(topic) > 0,
    );
    assert.deepEqual(edge.delivered.sort(), expected.map((topic) => `0 ${topic}`).sort());
    const reached = acknowledged()?.positions.map(({ sequence }) => sequence);
    assert.deepEqual(
      reached,
      [0, 1, 2].map((partition) => inPartition(partition).length),
    );
  });

  it("a restarted service - sends what its history holds beyond the edge's position", async () => {
    for (const data of ["a", "b"]) publish("alice", data);
    await settle();
    const position = at(1);
    await stop();
    await start(directory);
    announce(delta(1, 1, { positions: position }));
    await inStep(1);
    assert.deepEqual(edge.delivered, ["0 b", "1 b"]);
  });

  it("a graph that cannot be read - is a hole for the edge", async () => {
    publish("alice", "a");
    await settle();
    await store.close();
    announce(delta(1, 1, { positions: at(0) }));
    await inStep(1);
    assert.deepEqual(edge.lines, ["hole 1 @1: late", "order acknowledge"]);
  });

  it("marker - follows the copies of everything begun, with its position", async () => {
    announce(delta(1, 1, { mode: "subject", joins: [] }));
    await inStep(1);
    const copies: string[] = [];
    observer.subscribe(`${COPY_PREFIX}bob`, ({ data, headers }) => {
      const marker = headers?.get(MARKER_HEADER);
      if (!marker) copies.push((JSON.parse(new TextDecoder().decode(data)) as { data: string }).data);
      else copies.push(`marker ${parseMarker(marker).subscription} @${parseMarker(marker).sequence}`);
    });
    observer.subscribe("edge.one", () => copies.push("position"));
    const users = [["bob", 3]] as const;
    await observer.flush();
    publish("alice", "a");
    observer.publish(markSubject(0), encodeMarkRequest({ edge: "one", users }));
    observer.publish(markSubject(0), encodeMarkRequest({ edge: "unknown", users }));
    await settle();
    publish("alice", "b");
    await settle();
    assert.deepEqual(copies, ["a", "position", "marker 3 @1", "b", "position"]);
    assert.deepEqual(edge.lines, ["order acknowledge", "frame 1 @1", "frame 2 @2"]);
  });
});
