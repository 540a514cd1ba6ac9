import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { COPY_PREFIX, eventSubject, formatEventId, parseTopic, parseUserId } from "../../broker/contract.ts";
import { BrokerClient, type FanoutMode, type Msg, serviceErrorOf } from "../../broker/index.ts";
import { createLogger } from "../../lib/log.ts";
import { embeddedWith, type TestBroker, urlOf } from "../../test/support/brokers.ts";
import { RecordedEdge } from "../../test/support/recorded-edge.ts";
import { tempDir } from "../../test/support/temp-dir.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { assemble, type ServiceParts } from "../assemble.ts";
import { GraphStore } from "../graph-store.ts";
import { History } from "../history/history.ts";
import { ROW_KIND } from "../history/row.ts";
import { Partitions } from "../partitions.ts";
import { DEFAULT_HISTORY_BOUNDS } from "../service.ts";

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
  let history: History;
  let parts: ServiceParts;
  let copies: Copy[];

  const add = (topic: string, data: string, reply?: string): void => {
    observer.publish(eventSubject(parseTopic(topic)), data, reply === undefined ? {} : { reply });
  };
  /** Resolves when everything that was added is in the history. */
  const arrived = async (): Promise<void> => {
    await observer.flush();
    await client.flush();
  };
  const idOf = (sequence: number): string => formatEventId({ partition: 0, epoch: history.epoch, sequence });
  /** Resolves when the observer has received every copy of what was added before. */
  const settle = async (): Promise<void> => {
    await arrived();
    await parts.expander.settle();
    await client.flush();
    await observer.flush();
  };

  const enterStep = (id: string, mode: FanoutMode): void => {
    const edge = parts.registry.add(id, mode, performance.now());
    assert.ok(edge !== undefined);
    edge.presence.begin(mode, 1);
    edge.presence.advance(true);
    edge.presence.enterStep();
  };
  /** Adds an edge in `subject` mode that is in step. */
  const joinInStep = async (id: string): Promise<RecordedEdge> => {
    const recorded = new RecordedEdge(observer, id);
    await observer.flush();
    enterStep(id, "subject");
    return recorded;
  };

  beforeEach(async () => {
    broker = await embeddedWith(MAX_PAYLOAD).start();
    const nats = { url: urlOf(broker) };
    client = await BrokerClient.connect(nats, { name: "graph", log, wait: false });
    observer = await BrokerClient.connect(nats, { name: "observer", log, wait: false });
    copies = [];
    observer.subscribe(`${COPY_PREFIX}*`, ({ subject, data }) => {
      const event = JSON.parse(new TextDecoder().decode(data)) as Omit<Copy, "user">;
      copies.push({ ...event, user: subject.slice(COPY_PREFIX.length) });
    });
    await observer.flush();
    store = await GraphStore.open(tempDir());
    const follow = (subscriber: string, topic: string) =>
      ({ kind: "subscribe", subscriber: parseUserId(subscriber), topic: parseTopic(topic) }) as const;
    await store.apply([follow("bob", "alice"), follow("alice", "news.world"), follow("bob", "news.world")]);
    await store.apply(Array.from({ length: FANS }, (_, fan) => follow(String(fan), "star")));
    history = await History.open(tempDir(), {
      ...{ partitions: [0], lastEpoch: 0, recentBytes: 2_097_152, onTrouble() {} },
      bounds: DEFAULT_HISTORY_BOUNDS,
    });
    parts = assemble({ store, history, client, partitions: Partitions.whole, epoch: 7, log });
    parts.intake.open();
    await client.flush();
  });
  afterEach(async () => {
    parts.losses.stop();
    parts.requests.close();
    await client.close();
    await observer.close();
    await history.close();
    await store.close();
    await broker.stop();
  });

  it("events before open - wait, and are then sent in their order with consecutive ids", async () => {
    for (const data of ["a", "b", "c"]) add("alice", data);
    await settle();
    assert.equal(parts.expander.waiting, 3);
    assert.deepEqual(copies, []);
    parts.expander.open();
    await settle();
    assert.equal(parts.expander.waiting, 0);
    const toBob = copies.filter(({ user }) => user === "bob");
    assert.deepEqual(
      toBob.map(({ id, data }) => `${id} ${data}`),
      ["a", "b", "c"].map((data, index) => `${idOf(index + 1)} ${data}`),
    );
  });

  it("an event added as the history runs empty - is sent", async () => {
    parts.expander.open();
    const messages: Msg[] = [];
    observer.subscribe("event.alice", (message) => messages.push(message));
    await observer.flush();
    add("alice", "first");
    await settle();
    const [message] = messages;
    assert.ok(message !== undefined);
    for (let ticks = 0; ticks < 30; ticks += 1) {
      parts.intake.receive(message);
      for (let tick = 0; tick < ticks; tick += 1) await Promise.resolve();
      parts.intake.receive(message);
      await settle();
      assert.equal(parts.expander.waiting, 0, `after ${ticks} microtasks`);
    }
    assert.equal(parts.fanOut.counts.expanded, 61);
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
    const idWith = (wanted: string) => copies.find(({ data }) => data === wanted)?.id;
    assert.deepEqual(["first", "second", "in between"].map(idWith), [1, 2, 3].map(idOf), "ids by arrival");
  });

  it("an event with many followers - stays the same when its row leaves memory before its last part", async () => {
    parts.expander.open();
    add("star", "shine");
    await waitFor("the first part", () => copies.length > 0);
    assert.ok(copies.length < FANS, "all parts were sent at once");
    for (let row = 0; row < 40; row += 1) {
      const id = formatEventId({ partition: 0, ...history.nextPosition(0) });
      const body = new TextEncoder().encode(`{"id":"${id}","data":"${"x".repeat(60_000)}"}`);
      history.append(0, { kind: ROW_KIND.direct, name: "elsewhere", timeMs: 0, messageId: "", body });
    }
    await settle();
    const shining = copies.filter(({ topic, data }) => topic === "star" && data === "shine");
    assert.equal(shining.length, FANS + 1, "the followers and the author");
  });

  it("a sender with a reply subject - receives the id and the number of recipients", async () => {
    const replies: unknown[] = [];
    observer.subscribe("reply", (message) => replies.push(message.json()));
    await observer.flush();
    parts.expander.open();
    add("star", "count me", "reply");
    await waitFor("the reply", () => replies.length > 0);
    assert.deepEqual(replies, [{ id: idOf(1), recipients: FANS + 1, online: 0, delivered: 0, timedOut: 0 }]);
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
    assert.equal(parts.intake.counts.rejected, 1);
    assert.deepEqual(copies.map(({ id, data }) => `${id} ${data}`).slice(0, 1), [`${idOf(1)} small`]);
  });

  it("two long events - are open at once, and everything behind a third waits", async () => {
    await store.apply(
      ["star2", "star3"].flatMap((star) =>
        Array.from({ length: FANS }, (_, fan) => ({
          ...({ kind: "subscribe", topic: parseTopic(star) } as const),
          subscriber: parseUserId(String(fan)),
        })),
      ),
    );
    const edge = await joinInStep("plain");
    for (const star of ["star", "star2", "star3"]) add(star, star);
    add("alice", "behind");
    await arrived();
    parts.expander.open();
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, parts.long.size, parts.begun.at(0).open.length);
    }, 0);
    await settle();
    clearInterval(watch);
    assert.equal(most, 2);
    const steps = edge.lines.filter((line) => !line.startsWith("frame"));
    assert.deepEqual(
      steps.map((line) => line.replace(/ \d+ @/, " ")),
      ["open 1: star", "open 2: star2", "close 1", "open 3: star3", "close 2", "close 3"],
    );
    assert.equal(parts.begun.at(0).sequence, 4);
    assert.deepEqual(parts.begun.at(0).open, []);
    const lastCopy = copies.findIndex(({ data }) => data === "behind");
    const firstOfThird = copies.findIndex(({ data }) => data === "star3");
    assert.ok(lastCopy !== -1 && firstOfThird !== -1);
  });

  it("an event behind an open one of its topic - is opened at once and sent after it", async () => {
    const edge = await joinInStep("plain");
    parts.expander.open();
    add("star", "first");
    add("star", "second");
    await settle();
    const steps = edge.lines.filter((line) => !line.startsWith("frame"));
    assert.deepEqual(
      steps.map((line) => line.replace(/ \d+ @/, " ")),
      ["open 1: first", "open 2: second", "close 1", "close 2"],
    );
    assert.equal(edge.gaps, 0);
  });

  it("an event with few recipients behind an open one of its topic - is opened, too", async () => {
    const messages: Msg[] = [];
    observer.subscribe("event.star", (message) => messages.push(message));
    const edge = new RecordedEdge(observer, "framed");
    add("star", "first");
    add("star", "second");
    await settle();
    parts.expander.open();
    await settle();
    const [first, second] = messages;
    assert.ok(first !== undefined && second !== undefined);
    parts.intake.receive(first);
    assert.equal(parts.long.size, 1);
    enterStep("framed", "frames"); // from now on 5,000 followers are few
    parts.intake.receive(second);
    await settle();
    assert.deepEqual(edge.lines, ["open 1 @4: second", "close 2 @4"]);
  });

  it("a hole in the history - is sent to every edge in step, in order with events", async () => {
    const edge = await joinInStep("plain");
    parts.expander.open();
    add("alice", "before");
    await settle();
    history.appendHole(0, "late", 0);
    parts.expander.wake();
    add("alice", "after");
    await settle();
    assert.deepEqual(edge.lines, ["frame 1 @1", "hole 2 @2: late", "frame 3 @3"]);
  });

  it("a graph that cannot be read - fails the event, and readers are told of a hole", async () => {
    const errors: unknown[] = [];
    const edge = await joinInStep("plain");
    observer.subscribe("reply", (message) => errors.push(serviceErrorOf(message)));
    await observer.flush();
    await store.close();
    parts.expander.open();
    add("alice", "lost", "reply");
    await settle();
    await waitFor("the hole", () => edge.lines.some((line) => line.startsWith("hole")));
    assert.deepEqual(edge.lines, ["frame 1 @1", "hole 2 @2: late"]);
    assert.deepEqual(errors, [
      { code: 500, message: "the event could not be sent to all recipients: see the graph service's log" },
    ]);
    assert.equal(parts.fanOut.counts.failed, 1);
    assert.equal(parts.expander.waiting, 0);
  });
});
