// The rules of `frames` fan-out, seen from one end of the protocol: the test plays the graph for a real edge,
// and opens and closes streams at real edges. The other end is in frames-graph.test.ts.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { FRAME_KIND } from "../broker/contract.ts";
import { PRESENCE_VERSION } from "../broker/index.ts";
import { embedded } from "./support/brokers.ts";
import { EdgeBeforeGraph } from "./support/edge-before-graph.ts";
import { TestNetwork } from "./support/network.ts";
import type { PlayedService } from "./support/played-graph.ts";
import type { Reader } from "./support/reader.ts";
import { waitFor } from "./support/wait-for.ts";

describe("an edge in frames mode, facing a played graph", () => {
  const graph: PlayedService = { owner: { graph: 1, partitions: [0], of: 1 }, answers: true };
  let played: EdgeBeforeGraph;

  before(async () => {
    played = await EdgeBeforeGraph.start([graph]);
  });
  after(() => played.stop());

  it("rule 1 - the welcome waits for the graph's acknowledgement", async () => {
    graph.answers = false;
    const opening = played.read("late");
    await waitFor("the edge to announce the user", () => played.handleOf("late") !== -1);
    let isOpen = false;
    void opening.then(() => {
      isOpen = true;
    });
    const beats = played.graph.received.length;
    await waitFor("a beat", () => played.graph.received.length > beats);
    assert.equal(isOpen, false);
    played.acknowledge(graph);
    graph.answers = true;
    assert.match((await opening).text, /^id: .*\nretry: \d+\n: welcome late\nevent: welcome\n/);
  });

  it("rule 1 - without an acknowledgement the stream ends with a goodbye", async () => {
    graph.answers = false;
    const busy = await played.read("busy");
    graph.answers = true;
    assert.match(busy.text, /^retry: \d+\nevent: goodbye\ndata: \{"reason":"busy"\}\n\n$/);
    await busy.untilEnded();
  });

  it("rule 6 - delivers frames by handle, and drops frames of another epoch", async () => {
    const [ann, bob] = [await played.read("ann"), await played.read("bob")];
    const { epoch } = played.lastDelta;
    played.frame(0, epoch - 1, "stale", played.handleOf("ann"));
    played.frame(0, epoch + 100, "early", played.handleOf("ann"));
    played.frame(0, epoch, "both", played.handleOf("ann"), played.handleOf("bob"));
    await Promise.all([ann.until(/"data":"both"/), bob.until(/"data":"both"/)]);
    assert.doesNotMatch(ann.text, /stale|early/);
    played.frame(0, epoch, "one", played.handleOf("bob"), 4_000_000_000);
    await bob.until(/"data":"one"/);
    assert.doesNotMatch(ann.text, /"one"/);
  });

  it("malformed messages - are counted and break no stream", async () => {
    const ann = await played.read("ann");
    const rejected = await played.rejected;
    for (const bytes of [Uint8Array.of(FRAME_KIND.frame, 2, 0), Uint8Array.of(3, 1, 0), Uint8Array.of(255)])
      played.send(bytes);
    played.frame(0, played.lastDelta.epoch, "then", played.handleOf("ann"));
    await ann.until(/"data":"then"/);
    assert.equal(await played.rejected, rejected + 3);
  });

  it("a handle - is not reused before the graph has acknowledged that its user left", async () => {
    const gone = await played.read("gone");
    const handle = played.handleOf("gone");
    graph.answers = false;
    gone.close();
    await waitFor("the edge to announce that they left", () =>
      played.deltas.some(({ leaves }) => leaves.includes(handle)),
    );
    const next = played.read("next");
    await waitFor("the edge to announce the next", () => played.handleOf("next") !== -1);
    assert.notEqual(played.handleOf("next"), handle);
    played.acknowledge(graph);
    graph.answers = true;
    await next;
  });

  it("rule 4 - an edge that the graph forgot begins an epoch with its position, and readers notice nothing", async () => {
    const ann = await played.read("ann");
    played.frame(0, played.lastDelta.epoch, "before", played.handleOf("ann"));
    await ann.until(/"data":"before"/);
    graph.answers = false;
    const { epoch } = played.lastDelta;
    played.order({ type: "restart", ...graph.owner, epoch });
    await waitFor("a new epoch with all users", () => {
      const last = played.deltas.at(-1);
      return last?.epoch === epoch + 1 && last.complete && last.joins.some(([user]) => user === "ann");
    });
    const [first] = played.deltas.filter((delta) => delta.epoch === epoch + 1);
    const [at] = played.graph.positions(graph.owner, epoch);
    assert.deepEqual(first?.positions, [{ partition: 0, epoch: 1, sequence: at?.sequence, open: [] }]);
    played.order({ type: "restart", ...graph.owner, epoch }); // the second order changes nothing
    played.acknowledge(graph);
    graph.answers = true;
    played.frame(0, epoch + 1, "after", played.handleOf("ann"));
    await ann.until(/"data":"after"/);
    assert.doesNotMatch(ann.text, /resync/);
    assert.equal(played.lastDelta.epoch, epoch + 1);
  });

  it("a graph restart - begins an epoch, and readers are told only of the hole", async () => {
    const bob = await played.read("bob");
    const { epoch } = played.lastDelta;
    graph.owner = { ...graph.owner, graph: 2 };
    played.announce(graph);
    await waitFor("the epoch", () => played.lastDelta.epoch === epoch + 1);
    const [at] = played.graph.positions(graph.owner, epoch);
    const since = "2026-12-01T00:00:00.000Z";
    played.graph.hole((at?.sequence ?? 0) + 1, { reason: "graph-restarted", since });
    await bob.until(/event: resync\ndata: \{"reason":"graph-restarted","since":"2026-12-01T00:00:00.000Z"\}/);
    assert.equal(bob.text.match(/resync/g)?.length, 1);
  });

  it("a graph of a later release - is logged once with its version, and its orders are ignored", async () => {
    const { epoch } = played.lastDelta;
    const restart = { version: PRESENCE_VERSION + 1, type: "restart", ...graph.owner, epoch };
    played.send(JSON.stringify(restart));
    played.send(JSON.stringify(restart));
    played.order({ type: "refuse", speaks: PRESENCE_VERSION + 1 });
    await waitFor("the log line", () => played.logged(/presence protocol/).length > 0);
    await played.client.flush();
    assert.equal(played.logged(/version 4 of the presence protocol and this process version 3/).length, 1);
    assert.equal(played.lastDelta.epoch, epoch);
  });

  it("a silent graph - makes the edge not ready; its streams stay open", async () => {
    const ann = await played.read("ann");
    graph.answers = false;
    await waitFor("the edge not to be ready", () => played.edge.notReady === "the graph is away");
    assert.equal(ann.ended, undefined);
    graph.answers = true;
    await waitFor("the edge to be ready again", () => played.edge.notReady === undefined);
  });
});

describe("joins and leaves in frames mode", () => {
  let network: TestNetwork;
  before(async () => {
    network = await TestNetwork.start({
      broker: embedded,
      fleet: ["frames", "frames"],
      follows: [["7", "42"]],
    });
    await network.ready();
  });
  after(() => network.stop());

  it("races - a stream with a welcome misses nothing while users join, leave and return", async () => {
    let sent = 0;
    await Promise.all(
      Array.from({ length: 8 }, async (_, lane) => {
        for (let round = 0; round < 40; round += 1) {
          const reader = await network.read("/stream?user=7", {}, (lane + round) % 2);
          sent += 1;
          const mark = `mark-${sent}`;
          network.client.publish("event.42", mark);
          await reader.until(new RegExp(`"${mark}"`));
          const ids = reader.events.map(({ id }) => id);
          assert.equal(new Set(ids).size, ids.length, "no duplicates");
          reader.close();
        }
      }),
    );
    await waitFor(
      "every stream to be forgotten",
      async () => (await network.send("event.42", "anybody?")).online === 0,
    );
  });

  it("a change of mode while events flow - readers see everything between their welcome and their goodbye", async () => {
    const moving = await TestNetwork.start({ broker: embedded, fleet: ["subject"], follows: [["7", "42"]] });
    await moving.ready();
    const before = await moving.read("/stream?user=7");
    let sent = 0;
    const publish = (): void => {
      sent += 1;
      moving.client.publish("event.42", JSON.stringify({ n: sent }));
    };
    for (let i = 0; i < 200; i += 1) publish();
    await moving.startEdge({ fanout: "frames" });
    await moving.ready();
    const first = sent + 1; // what was published before may arrive as well
    const after = await moving.read("/stream?user=7", {}, 1);
    for (let i = 0; i < 200; i += 1) publish();
    await before.untilEvents(400);
    await moving.edges[0]?.stop();
    for (let i = 0; i < 200; i += 1) publish();
    await after.until(/"n":600\}/);
    const numbers = (reader: Reader): number[] => reader.events.map(({ data }) => (data as { n: number }).n);
    assert.deepEqual(
      numbers(before),
      Array.from({ length: 400 }, (_, i) => i + 1),
    );
    const [begun = first] = numbers(after);
    assert.ok(begun <= first, `${begun}`);
    assert.deepEqual(
      numbers(after),
      Array.from({ length: 601 - begun }, (_, i) => begun + i),
    );
    await moving.stop();
  });
});
