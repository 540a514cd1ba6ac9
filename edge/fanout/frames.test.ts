// `frames` fan-out of one edge over a real broker, with the pool for web streams. The test plays the graph
// service.

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { edgeSubject, FRAME_KIND, parseCursor, parseUserId } from "../../broker/contract.ts";
import { parseTallyPart, type TallyPart } from "../../broker/index.ts";
import { AssembledEdge, cursorsIn, dataIn } from "../../test/support/assembled-edge.ts";
import { frameOf, idOf, type PlayedGraph } from "../../test/support/played-graph.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import type { EdgeParts } from "../assemble.ts";
import type { WebPool } from "../pool/web/web-pool.ts";

describe("frames fan-out", () => {
  let edge: AssembledEdge;
  let graph: PlayedGraph;
  let parts: EdgeParts<WebPool>;

  beforeEach(async () => {
    edge = await AssembledEdge.start({ mode: "frames" });
    ({ graph, parts } = edge);
  });
  afterEach(() => edge.stop());

  const eventFor = (sequence: number, data: string, ...handles: readonly number[]) => ({
    ...{ id: idOf(sequence), data, handles },
  });
  const tallyOf = async (event: string): Promise<TallyPart> => {
    const order = JSON.stringify({ version: 3, type: "tally", event });
    return parseTallyPart((await graph.client.request(edgeSubject("one"), order, 5_000)).data);
  };

  it("frame - delivers each event to the handles that it names, in order, with the cursor of its position", async () => {
    const [ann, bob] = [await edge.open("ann"), await edge.open("bob")];
    graph.frame([
      eventFor(1, "for both", edge.handleOf("ann"), edge.handleOf("bob")),
      eventFor(2, "for bob", edge.handleOf("bob"), 4_000_000),
    ]);
    await bob.until(/for bob/);
    await ann.until(/for both/);
    assert.deepEqual([dataIn(ann), dataIn(bob)], [["for both"], ["for both", "for bob"]]);
    const [opening, ...cursors] = cursorsIn(bob);
    assert.deepEqual(
      cursors.map((cursor) => parseCursor(cursor)?.own),
      [1, 2].map((sequence) => ({ partition: 0, epoch: 1, sequence })),
    );
    assert.deepEqual([opening, ...cursors].sort(), [opening, ...cursors], "cursors sort as text");
    assert.deepEqual(parts.counts, { messages: 1, rejected: 0 });
  });

  for (const kind of ["frame", "counted"] as const) {
    it(`${kind} of another epoch - is rejected, because its handles may name other users`, async () => {
      const ann = await edge.open("ann");
      const { epoch } = graph.lastDelta;
      const event = eventFor(1, "stale", edge.handleOf("ann"));
      for (const other of [epoch - 1, epoch + 1]) graph.frame([event], FRAME_KIND[kind], other);
      await edge.settle();
      assert.deepEqual(parts.counts, { messages: 2, rejected: 2 });
      graph.frame([{ ...event, data: "fresh" }], FRAME_KIND[kind]);
      await ann.until(/fresh/);
      assert.deepEqual(dataIn(ann), ["fresh"]);
      assert.equal(graph.lastDelta.epoch, epoch, "no message of this epoch was lost");
    });
  }

  it("lost message - is followed by an epoch that begins with the position, and by nothing from after the gap", async () => {
    const ann = await edge.open("ann");
    const { epoch } = graph.lastDelta;
    graph.frame([eventFor(4, "before", edge.handleOf("ann"))]);
    await ann.until(/before/);
    graph.next(5); // lost
    graph.frame([eventFor(6, "after the gap", edge.handleOf("ann"))]);
    await waitFor("the epoch", () => graph.joinedIn(epoch + 1).includes("ann"));
    const [first] = graph.deltas.filter((delta) => delta.epoch === epoch + 1);
    assert.deepEqual(first?.positions, [{ partition: 0, epoch: 1, sequence: 4, open: [] }]);
    assert.equal(parts.presence.lostMessages, 1);
    for (const [sequence, data] of [
      [5, "five"],
      [6, "six"],
    ] as const)
      graph.frame([eventFor(sequence, data, edge.handleOf("ann"))]);
    await ann.until(/six/);
    assert.deepEqual(dataIn(ann), ["before", "five", "six"], "once, without a resync");
  });

  it("message that arrives twice - counts as irregular, and is delivered once", async () => {
    const ann = await edge.open("ann");
    const { epoch } = graph.lastDelta;
    const frame = frameOf(FRAME_KIND.frame, graph.next(1), [eventFor(1, "once", edge.handleOf("ann"))]);
    for (let twice = 0; twice < 2; twice += 1) graph.send(frame);
    await waitFor("the epoch", () => graph.lastDelta.epoch === epoch + 1);
    assert.deepEqual(dataIn(ann), ["once"]);
  });

  it("frame that is broken - delivers what precedes the fault, and begins an epoch at the position before the frame", async () => {
    const ann = await edge.open("ann");
    const handle = edge.handleOf("ann");
    const { epoch } = graph.lastDelta;
    graph.frame([eventFor(1, "before", handle)]);
    const events = [eventFor(2, "whole", handle), eventFor(3, "broken", handle)];
    const frame = frameOf(FRAME_KIND.frame, graph.next(3), events);
    frame[frame.lastIndexOf("}".charCodeAt(0))] = "\n".charCodeAt(0);
    graph.send(frame);
    await waitFor("the epoch", () => graph.joinedIn(epoch + 1).includes("ann"));
    const [first] = graph.deltas.filter((delta) => delta.epoch === epoch + 1);
    assert.equal(first?.positions?.[0]?.sequence, 1);
    assert.equal(parts.counts.rejected, 1);
    assert.deepEqual(dataIn(ann), ["before", "whole"]);
  });

  it("acknowledgement - whose number does not match the messages that arrived begins an epoch", async () => {
    const ann = await edge.open("ann");
    const { epoch } = graph.lastDelta;
    graph.frame([eventFor(1, "before", edge.handleOf("ann"))]);
    await ann.until(/before/);
    graph.next(2); // the last message was lost, and no other shows it
    graph.acknowledge();
    await waitFor("the epoch", () => graph.joinedIn(epoch + 1).includes("ann"));
    const [first] = graph.deltas.filter((delta) => delta.epoch === epoch + 1);
    assert.equal(first?.positions?.[0]?.sequence, 1, "the position is not that of the acknowledgement");
  });

  it("acknowledgement - moves the position of a quiet edge", async () => {
    graph.begin(70);
    graph.acknowledge();
    await edge.settle();
    assert.equal(parseCursor(cursorsIn(await edge.open("ann"))[0] ?? "")?.own.sequence, 70);
  });

  it("counted frame - delivers by handle, and tallies the users and the streams", async () => {
    const ann = await edge.open("ann");
    for (const name of ["ann", "bob", "carl"]) await edge.open(name);
    const handles = [edge.handleOf("ann"), edge.handleOf("bob"), 4_000_000];
    graph.frame([eventFor(1, "counted", ...handles)], FRAME_KIND.counted);
    await ann.until(/counted/);
    assert.deepEqual(await tallyOf(idOf(1)), { online: ["ann", "bob"], delivered: 3, last: true });
  });

  it("bytes of no known form - are counted and break nothing", async () => {
    const ann = await edge.open("ann");
    const event = eventFor(1, "x", edge.handleOf("ann"));
    const whole = frameOf(FRAME_KIND.frame, graph.next(1), [event]);
    for (const bytes of [
      Uint8Array.of(9, 9),
      whole.subarray(0, 10),
      whole.map((byte, at) => (at === 0 ? 3 : byte)),
    ])
      graph.send(bytes);
    await edge.settle();
    assert.deepEqual(parts.counts, { messages: 3, rejected: 3 });
    graph.send(whole);
    await ann.until(/"data":"x"/);
  });

  it("stream of several users - receives one copy of an event that names them all", async () => {
    const both = await edge.open("ann,bob");
    const handles = [edge.handleOf("ann"), edge.handleOf("bob")];
    graph.frame([eventFor(1, "once", ...handles)]);
    graph.frame([eventFor(2, "then", ...handles)]);
    await both.until(/then/);
    assert.deepEqual(dataIn(both), ["once", "then"]);
  });

  it("last stream of a user - takes the user off the presence, and frees the handle after the acknowledgement", async () => {
    const [first, second] = [await edge.open("ann"), await edge.open("ann")];
    const { readers, pool } = parts;
    await first?.cancel();
    await edge.settle();
    assert.deepEqual([readers.streams, readers.users], [1, 1]);
    graph.service.answers = false;
    await second?.cancel();
    await waitFor("the leave", () => graph.deltas.some(({ leaves }) => leaves.length === 1));
    await edge.settle();
    assert.deepEqual([readers.streams, readers.users, pool.size, pool.table.size], [0, 0, 0, 1]);
    graph.acknowledge();
    await waitFor("the handle to be free", () => pool.table.find(parseUserId("ann")) === -1);
  });
});
