// The whole service over a real broker: what it tells edges after a stop and after it was killed, and what it
// replays of what an earlier run had stored.

import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { afterEach, beforeEach, describe, it } from "node:test";
import {
  bodyOf,
  edgeSubject,
  FRAME_KIND,
  type FrameHead,
  type FrameKind,
  presenceSubject,
  readHead,
  replaySubject,
  storedTopic,
} from "../broker/contract.ts";
import {
  BrokerClient,
  decodeHole,
  decodeReplayPage,
  decodeWithdrawal,
  type EdgePosition,
  encodePresence,
  encodeReplayRequest,
  parseOrder,
  type ReplayItem,
  type ReplayPage,
  type SentPosition,
} from "../broker/index.ts";
import { createLogger } from "../lib/log.ts";
import { createMetrics, type Metrics } from "../lib/metrics.ts";
import { embedded, type TestBroker, urlOf } from "../test/support/brokers.ts";
import { tempDir } from "../test/support/temp-dir.ts";
import { waitFor } from "../test/support/wait-for.ts";
import { GraphService } from "./service.ts";

const EDGE = "e1";
const REPLY_MS = 5_000;
const log = createLogger("test", "silent");

type Received = FrameHead & { readonly kind: FrameKind; readonly body: Uint8Array };

describe("graph service", () => {
  let broker: TestBroker;
  let client: BrokerClient;
  let directory: string;
  let service: GraphService;
  let metrics: Metrics;
  let received: Received[];
  let acknowledged: SentPosition | undefined;
  let presenceEpoch: number;

  async function start(from = directory): Promise<void> {
    metrics = createMetrics({ ofNode: false });
    service = new GraphService({ directory: from, nats: { url: urlOf(broker) }, log, metrics });
    await service.start();
  }

  beforeEach(async () => {
    directory = tempDir();
    broker = await embedded.start();
    client = await BrokerClient.connect({ url: urlOf(broker) }, { name: "edge", log, wait: false });
    received = [];
    acknowledged = undefined;
    presenceEpoch = 0;
    client.subscribe(edgeSubject(EDGE), ({ data }) => {
      const head = readHead(data);
      if (head !== undefined) received.push({ ...head, body: bodyOf(data).slice() });
      else {
        const order = parseOrder(data);
        if (order.type === "acknowledge" && order.epoch === presenceEpoch) [acknowledged] = order.positions;
      }
    });
    await start();
  });
  afterEach(async () => {
    await service.stop();
    await client.close();
    await broker.stop();
  });

  /** Begins a presence epoch with user 7. Resolves with the position that the edge then has. */
  async function announce(position?: EdgePosition): Promise<EdgePosition> {
    presenceEpoch += 1;
    acknowledged = undefined;
    client.publish(
      presenceSubject(EDGE),
      encodePresence({
        ...{ type: "delta", mode: "frames", epoch: presenceEpoch, sequence: 1, complete: true },
        ...{ leaves: [], joins: [["7", 0]], positions: position === undefined ? undefined : [position] },
      }),
    );
    await waitFor("the acknowledgement", () => acknowledged !== undefined);
    const { partition, epoch, sequence, open } = acknowledged as unknown as SentPosition;
    return { partition, epoch, sequence, open };
  }

  const request = (subject: string, payload = ""): Promise<unknown> =>
    client.request(subject, payload, REPLY_MS);

  /** Sends an event that is stored when this resolves. */
  const send = (topic: string): Promise<unknown> => request(`event.${topic}`, "hello");

  async function replay(after: ReplayItem["after"], upTo: number): Promise<ReplayPage[]> {
    received = [];
    const item = { request: 1, user: "7", after, upTo };
    client.publish(replaySubject(0), encodeReplayRequest({ edge: EDGE, presenceEpoch, items: [item] }));
    await waitFor("the page", () => received.some(({ kind }) => kind === FRAME_KIND.replayed));
    return received
      .filter(({ kind }) => kind === FRAME_KIND.replayed)
      .map(({ body }) => decodeReplayPage(body));
  }

  const holes = () =>
    received.filter(({ kind }) => kind === FRAME_KIND.hole).map(({ body }) => decodeHole(body));

  for (const end of ["stopped", "killed"] as const)
    it(`${end} and started again - sends what was stored, then one hole, live and in a replay`, async () => {
      const cursor = await announce();
      await request("graph.subscribe.42", '["7"]');
      await send("42");
      await send("9"); // not followed
      await send("42");
      const sentMs = Date.now();
      if (end === "stopped") await service.stop();
      else {
        const image = tempDir();
        cpSync(directory, image, { recursive: true });
        await service.stop(); // its files are not used again
        directory = image;
      }
      const endMs = Date.now();
      received = [];
      await start();
      await announce(cursor); // as if it had received nothing: an edge that was cut off before
      const kinds = received.map(({ kind }) => kind);
      assert.deepEqual(
        kinds.filter((kind) => kind !== FRAME_KIND.frame),
        [FRAME_KIND.hole],
      );
      assert.equal(kinds.at(-1), FRAME_KIND.hole, "after what was stored");
      const [hole] = holes();
      assert.equal(hole?.reason, "graph-restarted");
      const sinceMs = Date.parse(hole?.since ?? "");
      assert.ok(sinceMs <= endMs && sinceMs >= sentMs - 1_000, `${sinceMs} after ${sentMs}`);
      assert.ok(Date.parse(hole?.oldest ?? "") <= sentMs);

      await send("42");
      const now = await announce(cursor);
      const pages = await replay(cursor, now.sequence);
      assert.deepEqual(
        pages.map(({ last, events }) => [last, events.length]),
        [[false, 2]],
        "the page ends before the hole",
      );
      const rest = await replay({ ...cursor, sequence: pages[0]?.upTo ?? 0 }, now.sequence);
      assert.equal(rest[0]?.hole?.since, hole?.since);
      assert.deepEqual([rest[0]?.last, rest[0]?.events.length], [true, 1]);

      received = [];
      await announce(now);
      await announce(); // a new edge
      assert.deepEqual(holes(), [], "who has passed the hole is not told again");
    });

  it("unfollow - is told to the edge before the reply to the change", async () => {
    await announce();
    await request("graph.subscribe.42", '["7"]');
    await request("graph.unsubscribe.42", '["7"]');
    const withdrawn = received.filter(({ kind }) => kind === FRAME_KIND.withdraw);
    assert.deepEqual(
      withdrawn.map(({ body }) => decodeWithdrawal(body)),
      [{ user: "7", topic: "42" }],
    );
  });

  it("forget - erases the events of a topic", async () => {
    const cursor = await announce();
    await request("graph.subscribe.42", '["7"]');
    await send("42");
    const now = await announce();
    assert.equal((await replay(cursor, now.sequence))[0]?.events.length, 1);
    await service.forget(storedTopic("42"));
    assert.equal((await replay(cursor, now.sequence))[0]?.events.length, 0);
  });

  it("metrics - count replays, their events and holes", async () => {
    const cursor = await announce();
    await request("graph.subscribe.42", '["7"]');
    await send("42");
    const now = await announce();
    await replay(cursor, now.sequence);
    await replay({ ...cursor, epoch: 1 }, now.sequence);
    const text = await metrics.registry.metrics();
    for (const line of [
      'encke_graph_replays_total{result="complete"} 1',
      'encke_graph_replays_total{result="refused"} 1',
      "encke_graph_replayed_events_total 1",
      'encke_graph_replayed_holes_total{reason="unknown-cursor"} 1',
      "encke_graph_replays_waiting 0",
    ])
      assert.ok(text.includes(`\n${line}\n`), `${line} is not in\n${text}`);
  });
});
