import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { parseUserId } from "../../broker/contract.ts";
import type { BrokerClient } from "../../broker/index.ts";
import { embedded, type TestBroker, urlOf } from "../../test/support/brokers.ts";
import { connectClient } from "../../test/support/client.ts";
import { PlayedGraph } from "../../test/support/played-graph.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { DEFAULT_LIMITS } from "../pool/pool.ts";
import { WebPool } from "../pool/web/web-pool.ts";
import { EventTallies } from "../presence/tallies.ts";
import { HeldCopies } from "./held-copies.ts";
import { Markers } from "./markers.ts";
import { Progress } from "./progress.ts";
import { Readers } from "./readers.ts";
import { SubjectFanout } from "./subject.ts";

const JOIN_MS = 150;

describe("markers among copies", () => {
  let broker: TestBroker;
  let client: BrokerClient;
  let graph: PlayedGraph;
  let progress: Progress;
  let markers: Markers;

  beforeEach(async () => {
    broker = await embedded.start();
    client = await connectClient({ url: urlOf(broker) }, "edge");
    graph = await PlayedGraph.start(urlOf(broker));
    progress = new Progress();
    progress.divide(3);
    markers = new Markers({ client, edgeId: "one", progress });
  });
  afterEach(async () => {
    await client.close();
    await graph.close();
    await broker.stop();
  });

  it("proof - is the position of every owner, and one marker serves all joins of a turn", async () => {
    graph.begin(4, 0);
    graph.begin(6, 2);
    const proofs = [markers.prove(), markers.prove()];
    assert.deepEqual(await Promise.all(proofs), [
      [4, 0, 6],
      [4, 0, 6],
    ]);
    assert.deepEqual(graph.marks.map(({ partition }) => partition).sort(), [0, 1, 2]);
    assert.deepEqual(await markers.prove(), [4, 0, 6], "a later join has a marker of its own");
    assert.equal(graph.marks.length, 6);
  });

  it("request - is repeated only to the owners whose markers have not arrived", async () => {
    graph.marksCopies = false;
    const proof = markers.prove();
    await waitFor("the requests", () => graph.marks.length === 3);
    const [lost, ...others] = graph.marks;
    for (const mark of others) graph.mark(mark);
    await waitFor("another request", () => graph.marks.length === 4);
    assert.deepEqual(graph.marks[3], lost);
    graph.mark(graph.marks[3] ?? assert.fail());
    assert.deepEqual(await proof, [0, 0, 0]);
  });

  it("no marker in time - resolves with undefined, and a late one has no effect", async () => {
    graph.marksCopies = false;
    markers = new Markers({ client, edgeId: "one", progress, joinMs: JOIN_MS });
    const startedAt = performance.now();
    assert.equal(await markers.prove(), undefined);
    const ms = performance.now() - startedAt;
    assert.ok(ms >= JOIN_MS - 1 && ms < 50 * JOIN_MS, `${ms} ms`);
    for (const mark of graph.marks) graph.mark(mark);
    await graph.flush();
    await client.flush();
    graph.marksCopies = true;
    assert.deepEqual(await markers.prove(), [0, 0, 0]);
  });

  it("join in vain - leaves no floor, so that the next join asks again", async () => {
    const pool = new WebPool(DEFAULT_LIMITS);
    const tallies = new EventTallies();
    const copies = new HeldCopies({ pool, progress, tallies });
    const counts = { messages: 0, rejected: 0 };
    const readers = new Readers(pool.table);
    const fanout = new SubjectFanout({ client, pool, readers, progress, markers, copies, counts });
    const users = [parseUserId("ann")];
    graph.marksCopies = false;
    assert.equal(await fanout.join(users), undefined);
    graph.marksCopies = true;
    assert.deepEqual(await fanout.join(users), [0, 0, 0]);
    for (let twice = 0; twice < 2; twice += 1) fanout.leave(users);
    assert.deepEqual([readers.streams, readers.users, pool.table.size], [0, 0, 0]);
  });

  it("join without a handle - throws at once, so that the stream is refused", () => {
    const pool = new WebPool(DEFAULT_LIMITS);
    const readers = new Readers(pool.table);
    pool.table.acquire = () => {
      throw new Error("full");
    };
    const copies = new HeldCopies({ pool, progress, tallies: new EventTallies() });
    const counts = { messages: 0, rejected: 0 };
    const fanout = new SubjectFanout({ client, pool, readers, progress, markers, copies, counts });
    assert.throws(() => fanout.join([parseUserId("ann")]), /full/);
    assert.equal(readers.streams, 0);
  });
});
