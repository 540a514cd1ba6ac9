// What the graph sends besides ordinary frames: long events in parts, holes and ended follows. The edge is in
// `frames` mode, and the test plays the graph services.

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { edgeSubject, parseCursor } from "../../broker/contract.ts";
import { parseTallyPart } from "../../broker/index.ts";
import { AssembledEdge, cursorsIn, dataIn } from "../../test/support/assembled-edge.ts";
import { idOf, type PlayedGraph, type PlayedService } from "../../test/support/played-graph.ts";
import { waitFor } from "../../test/support/wait-for.ts";

const SINCE = "2026-12-01T00:00:00.000Z";

describe("long events", () => {
  let edge: AssembledEdge;
  let graph: PlayedGraph;

  beforeEach(async () => {
    edge = await AssembledEdge.start({ mode: "frames" });
    ({ graph } = edge);
  });
  afterEach(() => edge.stop());

  it("parts - are delivered together when the event closes, once per recipient", async () => {
    const [ann, bob, carl] = [await edge.open("ann"), await edge.open("bob"), await edge.open("carl")];
    graph.openLong(3, "long", "star");
    graph.partLong(3, [edge.handleOf("ann")]);
    graph.frame([{ id: idOf(4), data: "short", handles: [edge.handleOf("ann")] }]);
    graph.partLong(3, [edge.handleOf("bob"), edge.handleOf("ann"), 4_000_000]);
    await ann.until(/short/);
    await edge.settle();
    assert.deepEqual([dataIn(ann), dataIn(bob)], [["short"], []], "nothing before the last part");
    const cursor = parseCursor(cursorsIn(ann).at(-1) ?? "");
    assert.deepEqual(cursor?.others?.open, [{ partition: 0, sequence: 3 }]);
    graph.closeLong(3);
    await bob.until(/long/);
    assert.deepEqual([dataIn(ann), dataIn(bob), dataIn(carl)], [["short", "long"], ["long"], []]);
    const [after] = cursorsIn(ann).slice(-1);
    assert.deepEqual(
      [parseCursor(after ?? "")?.own.sequence, parseCursor(after ?? "")?.others],
      [4, undefined],
    );
  });

  it("close whose sender counts - is tallied", async () => {
    const ann = await edge.open("ann");
    graph.openLong(1, "counted", "star");
    graph.partLong(1, [edge.handleOf("ann")]);
    graph.closeLong(1, true);
    await ann.until(/counted/);
    const order = JSON.stringify({ version: 3, type: "tally", event: idOf(1) });
    const { data } = await graph.client.request(edgeSubject("one"), order, 5_000);
    assert.deepEqual(parseTallyPart(data), { online: ["ann"], delivered: 1, last: true });
  });

  it("handle that is released meanwhile - is not delivered to its next user", async () => {
    const gone = await edge.open("gone");
    const handle = edge.handleOf("gone");
    graph.openLong(1, "not for the next", "star");
    graph.partLong(1, [handle]);
    await edge.settle();
    await gone.cancel();
    await waitFor("the handle to be free", () => edge.parts.pool.table.size === 0);
    const next = await edge.open("next");
    assert.equal(edge.handleOf("next"), handle);
    graph.closeLong(1);
    graph.frame([{ id: idOf(2), data: "then", handles: [handle] }]);
    await next.until(/then/);
    assert.deepEqual(dataIn(next), ["then"]);
  });

  it("presence epoch - is told that the event is open, and takes the parts again with the new handles", async () => {
    const ann = await edge.open("ann");
    const { epoch } = graph.lastDelta;
    graph.openLong(3, "long", "star");
    graph.partLong(3, [edge.handleOf("ann")]);
    await edge.settle();
    graph.order({ type: "restart", ...graph.service.owner, epoch });
    await waitFor("the epoch", () => graph.joinedIn(epoch + 1).includes("ann"));
    const [first] = graph.deltas.filter((delta) => delta.epoch === epoch + 1);
    assert.deepEqual(first?.positions, [{ partition: 0, epoch: 1, sequence: 3, open: [3] }]);
    graph.closeLong(3); // without parts of this epoch, there are no recipients
    graph.frame([{ id: idOf(4), data: "then", handles: [edge.handleOf("ann")] }]);
    await ann.until(/then/);
    assert.deepEqual(dataIn(ann), ["then"]);
  });

  it("ended follow - takes the user out of the topic's open events, and of no others", async () => {
    const [ann, bob] = [await edge.open("ann"), await edge.open("bob")];
    const both = [edge.handleOf("ann"), edge.handleOf("bob")];
    for (const [sequence, topic] of [
      [1, "star"],
      [2, "other"],
    ] as const) {
      graph.openLong(sequence, topic, topic);
      graph.partLong(sequence, both);
    }
    graph.withdraw(2, { user: "ann", topic: "star" });
    graph.closeLong(1);
    graph.closeLong(2);
    await Promise.all([ann.until(/other/), bob.until(/other/)]);
    assert.deepEqual([dataIn(ann), dataIn(bob)], [["other"], ["star", "other"]]);
  });
});

describe("holes", () => {
  const services = (): PlayedService[] => [
    { owner: { graph: 1, partitions: [0, 1], of: 3 }, answers: true },
    { owner: { graph: 2, partitions: [2], of: 3 }, answers: true },
  ];
  let edge: AssembledEdge;
  let graph: PlayedGraph;

  beforeEach(async () => {
    edge = await AssembledEdge.start({ mode: "frames", services: services() });
    ({ graph } = edge);
  });
  afterEach(() => edge.stop());

  it("one hole of several partitions - is told to every reader once, with a cursor behind it", async () => {
    const [ann, bob] = [await edge.open("ann"), await edge.open("bob")];
    for (const partition of [0, 1]) graph.hole(5, { reason: "graph-restarted", since: SINCE }, partition);
    for (const partition of [0, 2])
      graph.frame([{ id: idOf(6, partition), data: "then", handles: [edge.handleOf("ann")] }]);
    await ann.until(/then.*\n.*then/);
    assert.deepEqual(dataIn(ann), ["resync graph-restarted", "then", "then"]);
    assert.match(ann.text, /"since":"2026-12-01T00:00:00.000Z"/);
    assert.deepEqual(dataIn(bob), ["resync graph-restarted"]);
    const [, cursor = ""] = cursorsIn(bob);
    assert.equal(parseCursor(cursor)?.others?.sequences[0], 5);
  });

  it("another hole - is told again, and one of unknown beginning always", async () => {
    const ann = await edge.open("ann");
    graph.hole(1, { reason: "late", since: SINCE });
    graph.hole(2, { reason: "late", since: "2026-12-02T00:00:00.000Z" });
    for (const sequence of [3, 4]) graph.hole(sequence, { reason: "late" });
    await ann.until(/(.*resync.*\n){4}/);
  });

  it("hole over an open event - ends it without a delivery", async () => {
    const ann = await edge.open("ann");
    graph.openLong(3, "long", "star");
    graph.partLong(3, [edge.handleOf("ann")]);
    graph.hole(4, { reason: "graph-restarted", since: SINCE });
    graph.closeLong(3);
    graph.frame([{ id: idOf(5), data: "then", handles: [edge.handleOf("ann")] }]);
    await ann.until(/then/);
    assert.deepEqual(dataIn(ann), ["resync graph-restarted", "then"]);
    assert.deepEqual(parseCursor(cursorsIn(ann).at(-1) ?? "")?.others?.open, []);
  });

  it("another number of partitions - makes positions invalid, and readers are told", async () => {
    const ann = await edge.open("ann");
    for (const service of graph.services) service.answers = false;
    graph.announce({ owner: { graph: 9, partitions: [0], of: 1 }, answers: true });
    await ann.until(/resync.*unknown-cursor/);
  });
});
