// What can happen while a reader's replay is under way: holes, ended follows, several users, an owner that is
// silent or restarts, and a reader that leaves. The test plays the owner.

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { formatEventId, Positions } from "../../broker/contract.ts";
import { AssembledEdge, cursorsIn, dataIn } from "../../test/support/assembled-edge.ts";
import { cursorAt, EPOCH, encoded, idOf, ownOf, type PlayedGraph } from "../../test/support/played-graph.ts";
import { parseSse } from "../../test/support/sse.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { sse } from "../formats/sse.ts";
import { REPLY_MS } from "./seam.ts";

const LATE = { reason: "late", since: "2026-12-01T00:00:00.000Z" } as const;
const RESTARTED = { reason: "graph-restarted", since: "2026-12-02T00:00:00.000Z" } as const;

const event = (sequence: number, topic = "42"): Uint8Array => encoded(idOf(sequence), `e${sequence}`, topic);

describe("replays", () => {
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

  const live = (sequence: number, topic = "42", user = "ann"): void =>
    graph.frame([{ id: idOf(sequence), data: `e${sequence}`, handles: [edge.handleOf(user)], topic }]);

  it("hole before every event - is told right after the welcome, and a later one in its place", async () => {
    const ann = edge.request("ann", cursorAt(2));
    graph.page(await graph.requested("ann"), [event(7)], { upTo: 7, last: false, hole: LATE });
    graph.page(await graph.requested("ann", 2), [event(9)], { hole: RESTARTED });
    await ann.until(/"e9"/);
    assert.deepEqual(dataIn(ann), ["resync late", "e7", "resync graph-restarted", "e9"]);
    assert.match(ann.text, /^\{"cursor":.*\n\{"resync"/);
    const own = cursorsIn(ann).map(ownOf);
    assert.deepEqual([own[0], own[2], own[4]], [2, 7, 9]);
  });

  it("nothing but a hole - opens the stream at the seam, with a cursor behind the hole", async () => {
    const ann = edge.request("ann", cursorAt(2));
    graph.page(await graph.requested("ann"), [], { hole: { reason: "too-many" } });
    await ann.until(/resync.*\n/);
    assert.deepEqual(cursorsIn(ann).map(ownOf), [2, 10]);
    live(11);
    await ann.until(/"e11"/);
    assert.deepEqual(dataIn(ann), ["resync too-many", "e11"]);
  });

  it("hole that passes the edge meanwhile - is told in its place, as what follows is replayed, too, and once", async () => {
    const [ann, bob] = [edge.request("ann", cursorAt(9)), edge.request("bob", cursorAt(9))];
    const replays = [await graph.requested("ann"), await graph.requested("bob")];
    graph.hole(11, LATE);
    live(12);
    await edge.settle();
    graph.page(replays[0] ?? assert.fail(), [event(10)]);
    graph.page(replays[1] ?? assert.fail(), [event(10)], { hole: LATE });
    const second = await graph.requested("ann", 2);
    assert.deepEqual([second.item.after.sequence, second.item.upTo], [10, 12]);
    graph.page(second, [event(12)], { hole: LATE });
    await ann.until(/"e12"/);
    graph.page(await graph.requested("bob", 2), [], { hole: LATE });
    live(13, "42", "bob");
    await bob.until(/"e13"/);
    assert.deepEqual(dataIn(ann), ["e10", "resync late", "e12"]);
    assert.deepEqual(dataIn(bob), ["resync late", "e10", "e13"]);
  });

  it("resync - has a cursor behind its hole, so that a reader who is cut there is not told again", async () => {
    const ann = edge.request("ann", cursorAt(2));
    graph.page(await graph.requested("ann"), [event(7)], { upTo: 7, last: false, hole: LATE });
    graph.page(await graph.requested("ann", 2), [event(9)], { hole: RESTARTED });
    await ann.until(/"e9"/);
    const own = cursorsIn(ann).map(ownOf);
    assert.deepEqual([own[1], own[3]], [6, 8]);
  });

  it("ended follow - removes what the reader has not received, from the replay and from what waits after it", async () => {
    const ann = edge.request("ann", cursorAt(6));
    const replay = await graph.requested("ann");
    for (const [sequence, topic] of [
      [11, "ended"],
      [12, "42"],
    ] as const)
      live(sequence, topic);
    graph.withdraw(12, { user: "ann", topic: "ended" });
    live(13, "ended"); // followed again
    await edge.settle();
    graph.page(replay, [event(7)]);
    await ann.until(/"e13"/);
    assert.deepEqual(dataIn(ann), ["e7", "e12", "e13"]);
  });

  it("two users - their replays are merged in order, and an event for both comes once", async () => {
    const both = edge.request("ann,bob", cursorAt(5));
    const [ann, bob] = [await graph.requested("ann"), await graph.requested("bob")];
    graph.page(ann, [event(6), event(8)], { upTo: 8, last: false });
    await edge.settle();
    assert.equal(both.text, "", "the other user may have earlier events");
    graph.page(bob, [event(7), event(8), event(10)]);
    await both.until(/"e8"/);
    assert.deepEqual(dataIn(both), ["e6", "e7", "e8"]);
    graph.page(await graph.requested("ann", 2), [event(9)]);
    await both.until(/"e10"/);
    const handles = [edge.handleOf("ann"), edge.handleOf("bob")];
    graph.frame([{ id: idOf(11), data: "e11", handles }]);
    await both.until(/"e11"/);
    assert.deepEqual(dataIn(both), ["e6", "e7", "e8", "e9", "e10", "e11"]);
  });

  it("cursor with an open event - is taken up at that event", async () => {
    const positions = new Positions([{ epoch: EPOCH, sequence: 9, open: [4, 8] }]);
    const ann = edge.request("ann", positions.cursor(1));
    const { item } = await graph.requested("ann");
    assert.deepEqual([item.after, item.upTo], [{ epoch: EPOCH, sequence: 9, open: [4, 8] }, 10]);
    graph.page(await graph.requested("ann"), [event(4)], { upTo: 5, last: false });
    const next = await graph.requested("ann", 2);
    assert.deepEqual(next.item.after, { epoch: EPOCH, sequence: 9, open: [8] });
    graph.page(next, [event(8), event(10)]);
    await ann.until(/"e10"/);
    assert.deepEqual(dataIn(ann), ["e4", "e8", "e10"]);
  });

  it("presence epoch - repeats the request, and a second reply has no effect", async () => {
    const ann = edge.request("ann", cursorAt(9));
    const replay = await graph.requested("ann");
    const { epoch } = graph.lastDelta;
    graph.order({ type: "restart", ...graph.service.owner, epoch });
    const again = await graph.requested("ann", 2);
    assert.deepEqual([again.item, again.presenceEpoch], [replay.item, epoch + 1]);
    for (let twice = 0; twice < 2; twice += 1) graph.page(again, [event(10)]);
    await ann.until(/"e10"/);
    live(11);
    await ann.until(/"e11"/);
    assert.deepEqual(dataIn(ann), ["e10", "e11"]);
  });

  it("reader that leaves - leaves nothing behind", async () => {
    const ann = edge.request("ann", cursorAt(5));
    const replay = await graph.requested("ann");
    await ann.cancel();
    graph.page(replay, [event(6)]);
    await waitFor("the seam to end", () => edge.parts.seams.size === 0);
    await waitFor("the handle to be free", () => edge.parts.pool.table.size === 0);
    assert.deepEqual([edge.parts.pool.corked, edge.parts.pool.bufferedBytes], [0, 0]);
  });

  it("several partitions - each is replayed from where the reader was", async () => {
    for (const service of graph.services) service.answers = false;
    graph.service.owner = { graph: 2, partitions: [0, 1], of: 2 };
    graph.service.answers = true;
    graph.begin(20, 1);
    graph.announce(graph.service);
    await waitFor("the positions", () => edge.parts.presence.accepts(2, 0));
    const opened = await edge.open("bob");
    assert.ok(opened.text);
    const at = new Positions([
      { epoch: EPOCH, sequence: 8, open: [] },
      { epoch: EPOCH, sequence: 17, open: [] },
    ]);
    const ann = edge.request("ann", at.cursor(1, 0));
    const replays = [await graph.requested("ann"), await graph.requested("ann", 2)];
    assert.deepEqual(
      replays.map(({ partition, item }) => [partition, item.after.sequence, item.upTo]),
      [
        [0, 8, 10],
        [1, 17, 20],
      ],
    );
    const other = formatEventId({ partition: 1, epoch: EPOCH, sequence: 19 });
    graph.page(replays[1] ?? assert.fail(), [encoded(other, "other", "b")]);
    await edge.settle();
    assert.equal(ann.text, "");
    graph.page(replays[0] ?? assert.fail(), [event(9)]);
    await ann.until(/other/);
    assert.deepEqual(dataIn(ann), ["e9", "other"]);
  });

  it("silent owner - ends the streams that wait for it with `busy`, and repeats the presented cursor", async () => {
    const startedAt = performance.now();
    const returning = edge.request("ann", cursorAt(5), sse);
    await graph.requested("ann");
    graph.service.answers = false;
    const [unsure, unsureToo] = [edge.request("zoe", cursorAt(5)), edge.request("zoe")];
    const bodies = [returning, unsure, unsureToo];
    await waitFor("the ends", () => bodies.every(({ done }) => done));
    assert.ok(performance.now() - startedAt >= REPLY_MS - 10);
    assert.deepEqual([dataIn(unsure), dataIn(unsureToo)], [["goodbye busy"], ["goodbye busy"]]);
    const [goodbye, ...others] = parseSse(returning.text);
    assert.deepEqual(
      [goodbye?.type, goodbye?.data, goodbye?.id],
      ["goodbye", '{"reason":"busy"}', cursorAt(5)],
    );
    assert.deepEqual([others, edge.parts.seams.size, edge.parts.pool.size], [[], 0, 0]);
  });
});
