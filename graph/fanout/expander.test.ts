import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { EVERY_EDGE, EVERY_USER, parseTopic, parseUserId } from "../../broker/contract.ts";
import { BrokerClient, parseOrder, serviceErrorOf } from "../../broker/index.ts";
import { createLogger } from "../../lib/log.ts";
import { embeddedWith, type TestBroker, urlOf } from "../../test/support/brokers.ts";
import { tempDir } from "../../test/support/temp-dir.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { assemble, type ServiceParts } from "../assemble.ts";
import { GraphStore } from "../graph-store.ts";
import { Partitions } from "../partitions.ts";

const MAX_PAYLOAD = 65_536;
/** Enough for several parts. */
const FANS = 5_000;
const log = createLogger("test", "silent");

interface Copy {
  readonly user: string;
  readonly id: string;
  readonly topic: string;
  readonly data: string;
}

describe("expander", () => {
  let broker: TestBroker;
  let client: BrokerClient;
  let observer: BrokerClient;
  let store: GraphStore;
  let parts: ServiceParts;
  let copies: Copy[];

  /** Enqueues an event as the entry does, but for any payload. */
  const add = (topic: string, data: string, reply?: string): void => {
    const payload = new TextEncoder().encode(data);
    const event = { to: { topic: parseTopic(topic) }, payload, time: new Date(0), reply };
    assert.ok(parts.backlog.add(event));
    parts.expander.add(event);
  };
  /** Resolves when the observer has received every copy that was sent before. */
  const settle = async (): Promise<void> => {
    await parts.expander.settle();
    await client.flush();
    await observer.flush();
  };

  beforeEach(async () => {
    broker = await embeddedWith(MAX_PAYLOAD).start();
    const nats = { url: urlOf(broker) };
    client = await BrokerClient.connect(nats, { name: "graph", log, wait: true, echo: false });
    observer = await BrokerClient.connect(nats, { name: "observer", log, wait: true });
    copies = [];
    observer.subscribe(EVERY_USER, ({ subject, data }) => {
      const event = JSON.parse(new TextDecoder().decode(data)) as Omit<Copy, "user">;
      copies.push({ ...event, user: subject.slice("user.".length) });
    });
    await observer.flush();
    store = await GraphStore.open(tempDir());
    const follow = (subscriber: string, topic: string) =>
      ({ kind: "subscribe", subscriber: parseUserId(subscriber), topic: parseTopic(topic) }) as const;
    await store.apply([follow("bob", "alice"), follow("alice", "news.world"), follow("bob", "news.world")]);
    await store.apply(Array.from({ length: FANS }, (_, fan) => follow(String(fan), "star")));
    parts = assemble({ store, client, partitions: Partitions.whole, epoch: 7, log });
  });
  afterEach(async () => {
    parts.losses.stop();
    parts.requests.close();
    await client.close();
    await observer.close();
    await store.close();
    await broker.stop();
  });

  it("events before open - wait, and are then sent in their order with consecutive ids", async () => {
    for (const data of ["a", "b", "c"]) add("alice", data);
    await settle();
    assert.equal(parts.backlog.events, 3);
    assert.deepEqual(copies, []);
    parts.expander.open();
    await settle();
    assert.equal(parts.backlog.events, 0);
    const toBob = copies.filter(({ user }) => user === "bob");
    assert.deepEqual(
      toBob.map(({ id, data }) => `${id} ${data}`),
      ["0-7-1 a", "0-7-2 b", "0-7-3 c"],
    );
  });

  it("an event added as the queue runs empty - is sent", async () => {
    parts.expander.open();
    for (let ticks = 0; ticks < 30; ticks += 1) {
      add("alice", "first");
      for (let tick = 0; tick < ticks; tick += 1) await Promise.resolve();
      add("alice", "second");
      await settle();
      assert.equal(parts.backlog.events, 0, `after ${ticks} microtasks`);
    }
    assert.equal(parts.fanOut.counts.expanded, 60);
  });

  it("a user's topic - is also sent to that user, and a topic without an owner to its followers only", async () => {
    parts.expander.open();
    add("alice", "hi");
    add("news.world", "today");
    add("follower.less", "unheard");
    await settle();
    assert.deepEqual(copies.map(({ user, topic }) => `${topic} → ${user}`).sort(), [
      "alice → alice",
      "alice → bob",
      "news.world → alice",
      "news.world → bob",
    ]);
    assert.equal(parts.fanOut.counts.expanded, 3);
  });

  it("an event with many followers - is overtaken by other topics, but not by its own", async () => {
    parts.expander.open();
    add("star", "first");
    add("star", "second");
    add("alice", "in between");
    await settle();
    const lastOfStar = copies.findLastIndex(({ topic }) => topic === "star");
    const between = copies.findIndex(({ data }) => data === "in between");
    assert.ok(between !== -1 && between < lastOfStar, `${between} of ${lastOfStar}`);
    const seen = new Map<string, string[]>();
    for (const { user, topic, data } of copies)
      if (topic === "star") seen.set(user, [...(seen.get(user) ?? []), data]);
    assert.equal(seen.size, FANS + 1, "the followers and the author");
    for (const received of seen.values()) assert.deepEqual(received, ["first", "second"]);
    const idOf = (wanted: string) => copies.find(({ data }) => data === wanted)?.id;
    assert.deepEqual(["first", "in between", "second"].map(idOf), ["0-7-1", "0-7-2", "0-7-3"]);
  });

  it("a sender with a reply subject - receives the id and the number of recipients", async () => {
    const replies: unknown[] = [];
    observer.subscribe("reply", (message) => replies.push(message.json()));
    await observer.flush();
    parts.expander.open();
    add("star", "count me", "reply");
    await waitFor("the reply", () => replies.length > 0);
    assert.deepEqual(replies, [{ id: "0-7-1", recipients: FANS + 1, online: 0, delivered: 0, timedOut: 0 }]);
  });

  it("an event too large once encoded - is refused and takes no id", async () => {
    const errors: (number | undefined)[] = [];
    observer.subscribe("reply", (message) => errors.push(serviceErrorOf(message)?.code));
    await observer.flush();
    parts.expander.open();
    add("alice", "\u0001".repeat(MAX_PAYLOAD / 4), "reply");
    add("alice", "small");
    await settle();
    assert.deepEqual(errors, [413]);
    assert.equal(parts.fanOut.counts.rejected, 1);
    assert.equal(parts.backlog.events, 0);
    assert.deepEqual(copies.map(({ id, data }) => `${id} ${data}`).slice(0, 1), ["0-7-1 small"]);
  });

  it("a graph that cannot be read - fails the event, and readers are told", async () => {
    const resyncs: string[] = [];
    const errors: unknown[] = [];
    observer.subscribe(EVERY_EDGE, ({ data }) => {
      const order = parseOrder(data);
      if (order.type === "resync") resyncs.push(order.reason);
    });
    observer.subscribe("reply", (message) => errors.push(serviceErrorOf(message)));
    await observer.flush();
    await store.close();
    parts.expander.open();
    add("alice", "lost", "reply");
    await settle();
    await waitFor("the resync", () => resyncs.length > 0);
    assert.deepEqual(resyncs, ["graph-failed"]);
    assert.deepEqual(errors, [
      { code: 500, message: "the event did not reach every recipient: see the graph service's log" },
    ]);
    assert.equal(parts.fanOut.counts.failed, 1);
    assert.equal(parts.backlog.events, 0);
  });
});
