// Replays and withdrawals over a real broker: requests in, messages on the edge's subject out, in order with
// the frames of live events; and how long requests may occupy the service.

import assert from "node:assert/strict";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import {
  bodyOf,
  edgeSubject,
  FRAME_KIND,
  type FrameHead,
  type FrameKind,
  formatEventId,
  readHead,
  replaySubject,
  storedTopic,
  storedUserId,
} from "../../broker/contract.ts";
import {
  BrokerClient,
  decodeReplayPage,
  decodeWithdrawal,
  encodeReplayRequest,
  type FanoutMode,
  type Msg,
  type ReplayItem,
  type ReplayPage,
  type Withdrawal,
} from "../../broker/index.ts";
import { createLogger } from "../../lib/log.ts";
import { embedded, type TestBroker, urlOf } from "../../test/support/brokers.ts";
import { tempDir } from "../../test/support/temp-dir.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { Begun } from "../fanout/begun.ts";
import { EdgeMessages } from "../fanout/edge-messages.ts";
import { outgoingEvent } from "../fanout/event.ts";
import { GraphStore } from "../graph-store.ts";
import { History } from "../history/history.ts";
import { ROW_KIND } from "../history/row.ts";
import { Partitions } from "../partitions.ts";
import { type EdgeLink, EdgeRegistry } from "../presence/edge-registry.ts";
import { OnlineTable } from "../presence/online-table.ts";
import type { ChangeKind } from "../store/changes.ts";
import { PageReader } from "./page-reader.ts";
import { Replays } from "./replays.ts";
import { Withdrawals } from "./withdrawals.ts";

const BOUNDS = { maxRows: 1_000_000, maxAgeMs: Number.POSITIVE_INFINITY, maxBytes: 1e12 };
const EPOCH = 3;
const log = createLogger("test", "silent");
const encoder = new TextEncoder();

type Received = FrameHead & { readonly kind: FrameKind; readonly body: Uint8Array };

describe("replays", () => {
  let broker: TestBroker;
  let far: BrokerClient;
  let client: BrokerClient;
  let store: GraphStore;
  let history: History;
  let begun: Begun;
  let registry: EdgeRegistry;
  let online: OnlineTable;
  let messages: EdgeMessages;
  let replays: Replays;
  let withdrawals: Withdrawals;
  let isBusy: boolean;
  /** By edge. */
  let received: Map<string, Received[]>;

  beforeEach(async () => {
    const directory = tempDir();
    broker = await embedded.start();
    [far, client] = (await Promise.all(
      ["far", "graph"].map((name) =>
        BrokerClient.connect({ url: urlOf(broker) }, { name, log, wait: false }),
      ),
    )) as [BrokerClient, BrokerClient];
    store = await GraphStore.open(directory);
    history = await History.open(join(directory, "history"), {
      ...{ partitions: [0], lastEpoch: 0, bounds: BOUNDS, recentBytes: 4_194_304, onTrouble() {} },
    });
    begun = new Begun(history, [0]);
    registry = new EdgeRegistry(60_000);
    online = new OnlineTable();
    messages = new EdgeMessages({ client, registry, begun });
    const partitions = Partitions.whole;
    const at = (partition: number) => begun.at(partition);
    const maxPayload = () => client.maxPayload;
    const pages = new PageReader({ store, history, partitions, begun: at, maxEvents: 1_000, maxPayload });
    isBusy = false;
    replays = new Replays({
      ...{ client, registry, online, store, history, messages, begun, pages, log },
      isBusy: () => isBusy,
    });
    withdrawals = new Withdrawals({ client, store, history, partitions, registry, online, messages, begun });
    withdrawals.begin();
    client.subscribe(replaySubject(0), (message) => replays.receive(0, message));
    await client.flush();
    received = new Map();
    far.subscribe(edgeSubject("*"), ({ subject, data }) => {
      const id = subject.slice("edge.".length);
      const head = readHead(data);
      assert.ok(head);
      received.set(id, [...(received.get(id) ?? []), { ...head, body: bodyOf(data).slice() }]);
    });
    await far.flush();
  });

  afterEach(async () => {
    await replays.stop();
    await client.close();
    await far.close();
    await history.close();
    await store.close();
    await broker.stop();
  });

  /** Adds an edge in step with these users, whose handles are their indexes. */
  function edge(id: string, mode: FanoutMode, users: readonly string[] = []): EdgeLink {
    const link = registry.add(id, mode, performance.now()) as EdgeLink;
    link.presence.begin(mode, EPOCH);
    link.presence.advance(true);
    link.presence.enterStep();
    for (const [handle, user] of users.entries()) online.add(link.slot, handle, user);
    return link;
  }

  /** Appends an event and begins it. Returns its sequence. */
  function append(topic: string, bytes = 20): number {
    const at = history.nextPosition(0);
    const id = formatEventId({ partition: 0, ...at });
    const body = encoder.encode(`{"id":"${id}","topic":"${topic}","data":"${"x".repeat(bytes)}"}`);
    history.append(0, { kind: ROW_KIND.event, name: topic, timeMs: at.sequence, messageId: "", body });
    begun.advance(0, at);
    return at.sequence;
  }

  async function change(kind: ChangeKind, user: string, topic: string): Promise<void> {
    await store.apply([{ kind, subscriber: storedUserId(user), topic: storedTopic(topic) }]);
  }

  function gap(request: number, user: string, upTo: number, sequence = 0): ReplayItem {
    return { request, user, upTo, after: { epoch: history.epoch, sequence, open: [] } };
  }

  function request(edgeId: string, items: readonly ReplayItem[], presenceEpoch = EPOCH): void {
    far.publish(replaySubject(0), encodeReplayRequest({ edge: edgeId, presenceEpoch, items }));
  }

  /** Resolves when everything that was sent so far has been handled and received. */
  async function settled(): Promise<void> {
    await far.flush();
    await client.flush();
    await waitFor("the queue to be empty", () => replays.waiting === 0);
    messages.flush();
    await client.flush();
    await far.flush();
  }

  const pagesOf = (id: string): ReplayPage[] =>
    (received.get(id) ?? [])
      .filter(({ kind }) => kind === FRAME_KIND.replayed)
      .map(({ body }) => decodeReplayPage(body));

  const withdrawnOf = (id: string): Withdrawal[] =>
    (received.get(id) ?? [])
      .filter(({ kind }) => kind === FRAME_KIND.withdraw)
      .map(({ body }) => decodeWithdrawal(body));

  it("request - is answered on the edge's subject, after the frame that waits, at what is begun", async () => {
    const link = edge("e1", "frames", ["7"]);
    await change("subscribe", "7", "42");
    const first = append("42");
    const ordinal = history.next - 1;
    const event = outgoingEvent(ordinal, history.read(ordinal) as never, undefined);
    assert.ok(event);
    messages.add(link, event, Uint32Array.of(0), 1);
    append("31");
    request("e1", [gap(9, "7", first)]);
    await settled();
    const heads = received.get("e1") ?? [];
    assert.deepEqual(
      heads.map(({ kind, number }) => [kind, number]),
      [
        [FRAME_KIND.frame, 1],
        [FRAME_KIND.replayed, 2],
      ],
    );
    assert.equal(heads[1]?.sequence, first + 1);
    const [page] = pagesOf("e1");
    assert.deepEqual([page?.request, page?.upTo, page?.last, page?.events.length], [9, first, true, 1]);
    assert.equal(replays.counts.complete, 1);
    assert.equal(replays.events, 1);
    assert.ok(replays.spentMs > 0);
  });

  it("request of an unknown edge, another presence epoch or without the user - is ignored", async () => {
    edge("e1", "frames", ["7"]);
    edge("e2", "subject");
    edge("e3", "frames", ["9"]);
    const last = append("9");
    request("e0", [gap(1, "7", last)]);
    request("e1", [gap(2, "7", last)], EPOCH - 1);
    request("e1", [gap(3, "9", last), gap(4, "7", last)]);
    request("e2", [gap(5, "9", last)]);
    far.publish(replaySubject(0), "{}");
    await settled();
    assert.deepEqual(
      pagesOf("e1").map((page) => page.request),
      [4],
      "user 9 is at another edge",
    );
    assert.equal(received.get("e1")?.[0]?.sequence, last, "a quiet edge does not fall back");
    assert.deepEqual(
      pagesOf("e2").map((page) => [page.request, page.events.length]),
      [[5, 1]],
      "an edge in subject mode announces no users",
    );
    assert.equal(replays.counts.outdated, 3);
    assert.equal(replays.counts.rejected, 1);
  });

  it("more than 100,000 requests - are dropped and counted, and the queue gives its memory back", async () => {
    const message = await new Promise<Msg>((resolve) => {
      client.subscribe("copied", resolve);
      const items = Array.from({ length: 64 }, (_, index) => gap(index, "7", 0));
      client.publish("copied", encodeReplayRequest({ edge: "e0", presenceEpoch: EPOCH, items }));
    });
    for (let times = 0; times < 1_600; times += 1) replays.receive(0, message);
    assert.equal(replays.waiting, 100_000);
    assert.equal(replays.counts.dropped, 1_600 * 64 - 100_000);
    await settled();
    assert.equal(replays.counts.outdated, 100_000);
  });

  it("storm - is served in turns of at most 64 requests or 256 KiB", async () => {
    edge("e1", "frames", ["7", "9"]);
    for (let event = 0; event < 40; event += 1) append("9", 30_000);
    const last = history.nextPosition(0).sequence - 1;
    for (let batch = 0; batch < 10; batch += 1)
      request(
        "e1",
        Array.from({ length: 64 }, (_, index) => gap(index, "7", last)),
      );
    for (let batch = 0; batch < 10; batch += 1) request("e1", [gap(100 + batch, "9", last)]);
    await waitFor("the requests to arrive", () => replays.waiting > 0);
    // several turns may have passed by then
    let before = replays.counts.complete + replays.counts.continued;
    let eventsBefore = replays.events;
    while (replays.waiting > 0) {
      const served = replays.counts.complete + replays.counts.continued;
      assert.ok(served - before <= 64, `${served - before} in one turn`);
      assert.ok(replays.events - eventsBefore <= 16, "two pages in one turn");
      before = served;
      eventsBefore = replays.events;
      await new Promise(setImmediate);
    }
    await settled();
    assert.equal(pagesOf("e1").length, 650);
    assert.equal(replays.events, 80);
  });

  it("storm while events wait for fan-out - takes at most a tenth of the time", async () => {
    edge("e1", "frames", ["7"]);
    await change("subscribe", "7", "42");
    for (let event = 0; event < 100; event += 1) append("42");
    const last = history.nextPosition(0).sequence - 1;
    isBusy = true;
    for (let batch = 0; batch < 20; batch += 1)
      request(
        "e1",
        Array.from({ length: 64 }, (_, index) => gap(index, "7", last)),
      );
    await waitFor("the requests to arrive", () => replays.waiting > 64);
    const [startMs, spentMs] = [performance.now(), replays.spentMs];
    await waitFor("the queue to be empty", () => replays.waiting === 0);
    const share = (replays.spentMs - spentMs) / (performance.now() - startMs);
    assert.ok(share < 0.13, `${share} of the time`);
    await settled();
    assert.equal(pagesOf("e1").length, 1_280);
  });

  for (const kind of ["unsubscribe", "mute", "block"] as const)
    it(`${kind} - withdraws the topic at the edges that may hold events for the user, in order`, async () => {
      const link = edge("e1", "frames", ["7"]);
      edge("e2", "frames", ["9"]);
      edge("e3", "subject");
      const announcing = registry.add("e4", "frames", performance.now()) as EdgeLink;
      announcing.presence.begin("frames", EPOCH);
      announcing.presence.advance(false);
      await change("subscribe", "7", "42");
      append("42");
      const ordinal = history.next - 1;
      const event = outgoingEvent(ordinal, history.read(ordinal) as never, undefined);
      assert.ok(event);
      messages.add(link, event, Uint32Array.of(0), 1);
      const last = append("31");
      await change(kind, "7", "42");
      await change(kind, "7", "42"); // no effect
      await settled();
      assert.deepEqual(
        (received.get("e1") ?? []).map((head) => head.kind),
        [FRAME_KIND.frame, FRAME_KIND.withdraw],
        "after the frame that was filled before",
      );
      assert.equal(received.get("e1")?.[1]?.sequence, last, "everything begun may be held");
      for (const id of ["e1", "e3", "e4"])
        assert.deepEqual(withdrawnOf(id), [{ user: "7", topic: "42" }], id);
      assert.deepEqual(withdrawnOf("e2"), []);
      assert.ok((received.get("e4")?.[0]?.sequence ?? last) < last, "it has not been sent what is begun");
      request("e1", [gap(1, "7", last)]);
      await settled();
      assert.deepEqual(pagesOf("e1")[0]?.events, [], "the topic is not replayed afterwards");
    });

  it("subscribe, unmute and unblock - withdraw nothing", async () => {
    edge("e1", "frames", ["7"]);
    await change("subscribe", "7", "42");
    await change("mute", "7", "42");
    await change("unmute", "7", "42");
    await change("block", "7", "42");
    await change("unblock", "7", "42");
    await settled();
    assert.equal(withdrawnOf("e1").length, 2);
  });

  it("forget - erases a name's events and messages from the history and at the edges", async () => {
    edge("e1", "frames", ["7", "42"]);
    edge("e2", "frames", ["9"]);
    await change("subscribe", "7", "42");
    await change("mute", "9", "42");
    const last = append("42");
    await withdrawals.forget(storedTopic("42"));
    await settled();
    assert.deepEqual(withdrawnOf("e1"), [
      { user: "42" },
      { user: "42", topic: "42" },
      { user: "7", topic: "42" },
    ]);
    assert.deepEqual(withdrawnOf("e2"), []);
    request("e1", [gap(1, "7", last), gap(2, "42", last)]);
    await settled();
    assert.deepEqual(
      pagesOf("e1").map((page) => page.events),
      [[], []],
    );
  });
});
