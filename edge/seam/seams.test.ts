// Streams at their seams, with the pool for web streams and a real broker. The test plays the owner of the
// only partition.

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { cursorOfEvent } from "../../broker/contract.ts";
import { AssembledEdge, cursorsIn, dataIn } from "../../test/support/assembled-edge.ts";
import { cursorAt, encoded, idOf, ownOf, type PlayedGraph } from "../../test/support/played-graph.ts";
import { parseSse } from "../../test/support/sse.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import type { Body } from "../../test/support/web-edges.ts";
import { sse } from "../formats/sse.ts";
import { CORK_LIMITS } from "../pool/pool.ts";

describe("seams", () => {
  let edge: AssembledEdge;
  let graph: PlayedGraph;

  beforeEach(async () => {
    edge = await AssembledEdge.start({ mode: "frames" });
    ({ graph } = edge);
    graph.begin(10);
    graph.acknowledge();
    await edge.settle();
  });
  afterEach(() => edge.stop());

  const event = (sequence: number, topic = "42"): Uint8Array =>
    encoded(idOf(sequence), `e${sequence}`, topic);
  const live = (sequence: number, user = "ann", topic = "42"): void =>
    graph.frame([{ id: idOf(sequence), data: `e${sequence}`, handles: [edge.handleOf(user)], topic }]);
  const goesOn = async (body: Body, sequence: number): Promise<void> => {
    live(sequence);
    await body.until(new RegExp(`"e${sequence}"`));
  };

  it("new reader - opens at the edge's position, without a request to the owner", async () => {
    const ann = await edge.open("ann");
    assert.equal(ownOf(cursorsIn(ann)[0]), 10);
    await goesOn(ann, 11);
    assert.deepEqual([dataIn(ann), graph.replays], [["e11"], []]);
  });

  it("returning reader without a gap - goes live at once", async () => {
    const ann = edge.request("ann", cursorAt(10));
    await ann.until(/cursor/);
    assert.equal(cursorsIn(ann)[0], cursorAt(10), "the welcome repeats the presented cursor");
    await goesOn(ann, 11);
    assert.deepEqual([dataIn(ann), graph.replays], [["e11"], []]);
    assert.equal(edge.parts.seams.resumed, 1);
  });

  it("returning reader with a gap - receives it with the cursor of each event, then live events", async () => {
    const ann = edge.request("ann", cursorAt(6));
    const { item, presenceEpoch, partition } = await graph.requested("ann");
    assert.deepEqual(
      [item.user, item.after, item.upTo, presenceEpoch, partition],
      ["ann", { epoch: 1, sequence: 6, open: [] }, 10, graph.lastDelta.epoch, 0],
    );
    assert.equal(ann.text, "", "nothing before the first page");
    graph.page(await graph.requested("ann"), [event(7), event(9)]);
    await ann.until(/"e9"/);
    await goesOn(ann, 11);
    assert.deepEqual(dataIn(ann), ["e7", "e9", "e11"]);
    assert.deepEqual(cursorsIn(ann).map(ownOf), [6, 7, 9, 11]);
    assert.deepEqual(cursorsIn(ann), cursorsIn(ann).sort(), "cursors sort as text");
    assert.deepEqual([edge.parts.seams.size, edge.parts.seams.resumed], [0, 1]);
  });

  it("reader ahead of the edge - waits until the edge has come as far", async () => {
    const beats = (): number => graph.received.filter(({ type }) => type === "beat").length;
    const before = beats();
    const ann = edge.request("ann", cursorAt(14));
    await waitFor("a question about positions", () => beats() > before);
    await waitFor("the user", () => edge.handleOf("ann") !== -1);
    live(13);
    await edge.settle();
    assert.equal(ann.text, "");
    live(15);
    await ann.until(/"e15"/);
    assert.deepEqual([dataIn(ann), graph.replays], [["e15"], []], "it had received the event before");
  });

  it("reader ahead of the edge for long - is told that its cursor is unknown", async () => {
    const ann = edge.request("ann", cursorAt(14));
    await ann.until(/resync.*\n/);
    assert.deepEqual(dataIn(ann), ["resync unknown-cursor"]);
    assert.equal(ownOf(cursorsIn(ann).at(-1)), 10);
    await goesOn(ann, 11);
  });

  it("reader ahead of an edge whose owner is silent - is ended with `busy`, because its cursor may be valid", async () => {
    await edge.open("ann");
    graph.service.answers = false;
    const again = edge.request("ann", cursorAt(14));
    await waitFor("the end", () => again.done, 10_000);
    assert.deepEqual(dataIn(again), ["goodbye busy"]);
  });

  for (const [what, cursor] of [
    ["garbage", "no cursor\n{}"],
    ["a cursor of another history", cursorOfEvent(1, "", "0-9-7")],
    ["a cursor of another partition", cursorOfEvent(1, "", "1-1-7")],
  ] as const) {
    it(`${what} - opens the stream at the edge's position with a resync`, async () => {
      const ann = edge.request("ann", cursor);
      await ann.until(/resync.*\n/);
      assert.deepEqual([dataIn(ann), graph.replays], [["resync unknown-cursor"], []]);
      assert.equal(ownOf(cursorsIn(ann).at(-1)), 10);
      assert.equal(ann.text.includes("no cursor"), false);
      await goesOn(ann, 11);
    });
  }

  it("event that is open before the seam - is waited for, and is not delivered twice", async () => {
    const bob = await edge.open("bob");
    graph.openLong(11, "long", "star");
    const ann = edge.request("ann", cursorAt(9));
    await waitFor("the user", () => edge.handleOf("ann") !== -1);
    graph.partLong(11, [edge.handleOf("ann"), edge.handleOf("bob")]);
    await edge.settle();
    live(12);
    await edge.settle();
    assert.deepEqual([ann.text, graph.replays], ["", []]);
    graph.closeLong(11);
    await bob.until(/long/);
    const { item } = await graph.requested("ann");
    assert.equal(item.upTo, 11);
    graph.page(await graph.requested("ann"), [encoded(idOf(11), "long", "star")]);
    await ann.until(/"e12"/);
    assert.deepEqual(dataIn(ann), ["long", "e12"]);
  });

  it("live events meanwhile - are written after the replay, with cursors that cover it", async () => {
    const ann = edge.request("ann", cursorAt(6));
    const replay = await graph.requested("ann");
    live(11);
    live(12);
    await edge.settle();
    assert.equal(ann.text, "");
    graph.page(replay, [event(7)], { upTo: 8, last: false });
    await ann.until(/"e7"/);
    const next = await graph.requested("ann", 2);
    assert.deepEqual(next.item.after, { epoch: 1, sequence: 8, open: [] });
    assert.equal(next.item.upTo, 10);
    await edge.settle();
    assert.deepEqual(dataIn(ann), ["e7"], "not before the last page");
    graph.page(next, [event(10)]);
    await ann.until(/"e12"/);
    assert.deepEqual(dataIn(ann), ["e7", "e10", "e11", "e12"]);
    assert.deepEqual(cursorsIn(ann).map(ownOf), [6, 7, 10, 11, 12]);
    assert.deepEqual(cursorsIn(ann), cursorsIn(ann).sort());
  });

  it("more live events than the pool buffers - are replayed as well", async () => {
    const ann = edge.request("ann", cursorAt(9));
    const replay = await graph.requested("ann");
    const last = 10 + CORK_LIMITS.events + 1;
    for (let sequence = 11; sequence <= last; sequence += 1) live(sequence);
    await edge.settle();
    assert.equal(edge.parts.pool.counts.overflows, 1);
    graph.page(replay, [event(10)]);
    const again = await graph.requested("ann", 2);
    assert.deepEqual(again.item.after, { epoch: 1, sequence: 10, open: [] });
    assert.equal(again.item.upTo, last);
    const rest = Array.from({ length: last - 10 }, (_, index) => event(11 + index));
    graph.page(again, rest);
    await goesOn(ann, last + 1);
    const expected = Array.from({ length: last + 1 - 9 }, (_, index) => `e${10 + index}`);
    assert.deepEqual(dataIn(ann), expected);
  });

  for (const [what, sequences] of [
    ["an event", [10]],
    ["nothing", []],
  ] as const)
    it(`last page with ${what} - leaves the stream at the edge's position, also past others' events`, async () => {
      await edge.open("bob");
      const ann = edge.request("ann", cursorAt(6), sse);
      graph.page(await graph.requested("ann"), [event(7)], { upTo: 7, last: false });
      const next = await graph.requested("ann", 2);
      live(12, "bob");
      await edge.settle();
      graph.page(
        next,
        sequences.map((sequence) => event(sequence)),
      );
      await waitFor("the stream to be live", () => edge.parts.seams.size === 0);
      await edge.parts.pool.drain({ perSecond: 1_000, deadlineMs: 100 });
      await waitFor("the end", () => ann.done);
      const goodbye = parseSse(ann.text).at(-1);
      assert.deepEqual([goodbye?.type, ownOf(goodbye?.id)], ["goodbye", 12]);
    });
});
