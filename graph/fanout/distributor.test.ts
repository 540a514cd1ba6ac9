import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { COPY_PREFIX, FRAME_KIND, parseTopic, parseUserId } from "../../broker/contract.ts";
import { BrokerClient } from "../../broker/index.ts";
import { createLogger } from "../../lib/log.ts";
import { embeddedWith, type TestBroker, urlOf } from "../../test/support/brokers.ts";
import { RecordedEdge } from "../../test/support/recorded-edge.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { type EdgeLink, EdgeRegistry } from "../presence/edge-registry.ts";
import { OnlineTable } from "../presence/online-table.ts";
import { Begun } from "./begun.ts";
import { Distributor } from "./distributor.ts";
import { EdgeMessages } from "./edge-messages.ts";
import type { OutgoingEvent } from "./event.ts";

const MAX_PAYLOAD = 4_096;
const log = createLogger("test", "silent");
const FOLLOWERS = Uint32Array.of(7, 8, 9);
const NONE = new Uint32Array(0);
const EMPTY_HISTORY = { next: 1, nextPosition: () => ({ epoch: 1, sequence: 1 }) };

describe("distributor", () => {
  let broker: TestBroker;
  let client: BrokerClient;
  let observer: BrokerClient;
  let registry: EdgeRegistry;
  let online: OnlineTable;
  let begun: Begun;
  let messages: EdgeMessages;
  let distributor: Distributor;
  let edges: Map<string, RecordedEdge>;
  /** The subjects of copies that were received. */
  let copies: string[];
  let sequences: Map<number, number>;

  beforeEach(async () => {
    broker = await embeddedWith(MAX_PAYLOAD).start();
    const nats = { url: urlOf(broker) };
    client = await BrokerClient.connect(nats, { name: "graph", log, wait: true });
    observer = await BrokerClient.connect(nats, { name: "observer", log, wait: true });
    [edges, copies, sequences] = [new Map(), [], new Map()];
    observer.subscribe(`${COPY_PREFIX}*`, ({ subject, headers }) => {
      assert.ok(headers !== undefined);
      copies.push(subject);
    });
    await observer.flush();
    registry = new EdgeRegistry(60_000);
    online = new OnlineTable();
    begun = new Begun(EMPTY_HISTORY, [0, 3]);
    messages = new EdgeMessages({ client, registry, begun });
    distributor = new Distributor({ client, registry, online, messages, nameOf: String });
  });
  afterEach(async () => {
    await client.close();
    await observer.close();
    await broker.stop();
  });

  /** Returns the next event of a partition. */
  const eventOf = (data: string, { counted = false, partition = 0 } = {}): OutgoingEvent => {
    const sequence = (sequences.get(partition) ?? 0) + 1;
    sequences.set(partition, sequence);
    return {
      ...{ ordinal: 1, to: { topic: parseTopic("alice") }, id: `${partition}-1-${sequence}`, timeMs: 1 },
      ...{ partition, epoch: 1, sequence, counted, reply: counted ? "reply" : undefined, asked: new Set() },
      json: new TextEncoder().encode(JSON.stringify({ data })),
    };
  };
  const record = async (id: string): Promise<void> => {
    edges.set(id, new RecordedEdge(observer, id));
    await observer.flush();
  };
  /** Adds an edge that is in step, with these users. */
  const join = async (
    id: string,
    users: Readonly<Record<string, number>>,
    mode: "subject" | "frames" = "frames",
  ): Promise<EdgeLink> => {
    await record(id);
    const edge = registry.add(id, mode, performance.now());
    assert.ok(edge !== undefined);
    enter(edge, 1);
    for (const [user, handle] of Object.entries(users)) online.add(edge.slot, handle, user);
    return edge;
  };
  const enter = (edge: EdgeLink, epoch: number): void => {
    edge.presence.begin(edge.presence.mode, epoch);
    edge.presence.advance(true);
    edge.presence.enterStep();
  };
  /** Notes that an event has begun, as the expander does. */
  const begin = ({ partition, epoch, sequence }: OutgoingEvent): void => {
    begun.advance(partition, { epoch, sequence });
    distributor.noteBegun(partition, distributor.survey());
  };
  const send = (event: OutgoingEvent, followers = FOLLOWERS, author?: string) => {
    const user = author === undefined ? undefined : parseUserId(author);
    const cost = distributor.send(event, followers, user, distributor.survey());
    begin(event);
    return cost;
  };
  /** Sends what waits and returns what this edge received since the last call. */
  const flushed = async (id: string): Promise<string[]> => {
    distributor.flush();
    await client.flush();
    await observer.flush();
    return edges.get(id)?.take() ?? [];
  };
  const copied = async (): Promise<string[]> => {
    await flushed("");
    return copies.splice(0);
  };

  it("no edge known - one message per recipient, the author first", async () => {
    const event = eventOf("a");
    assert.deepEqual(send(event, FOLLOWERS, "rj"), { messages: 4, bytes: 4 * event.json.length });
    assert.deepEqual(await copied(), ["copy.rj", "copy.7", "copy.8", "copy.9"]);
    assert.deepEqual(distributor.counts, { subject: 4, frame: 0 });
  });

  it("edges in step - each receives one frame with its own recipients and the position reached", async () => {
    await join("one", { "7": 0, "8": 1, rj: 2 });
    await join("two", { "8": 0 });
    await join("three", { "10": 0 });
    send(eventOf("a"), FOLLOWERS, "rj");
    send(eventOf("b"));
    send(eventOf("c"), Uint32Array.of(7));
    assert.deepEqual(await flushed("one"), ["frame 1 @3: a 0,1,2; b 0,1; c 0"]);
    assert.deepEqual(await flushed("two"), ["frame 1 @3: a 0; b 0"]);
    assert.deepEqual(await flushed("three"), []);
    assert.deepEqual(distributor.counts, { subject: 0, frame: 8 });
    assert.equal(messages.sent, 2);
  });

  it("an edge that is not in step - receives nothing", async () => {
    await join("one", { "7": 4 });
    await record("late");
    const late = registry.add("late", "frames", performance.now());
    assert.ok(late !== undefined);
    online.add(late.slot, 0, "7");
    send(eventOf("a"), FOLLOWERS, "rj");
    assert.deepEqual(await flushed("late"), []);
    assert.deepEqual(await flushed("one"), ["frame 1 @1: a 4"]);
    assert.deepEqual(await copied(), []);
  });

  it("a mixed fleet - both ways, and copies before the position that covers them", async () => {
    const order: string[] = [];
    observer.subscribe(`${COPY_PREFIX}7`, () => order.push("copy"));
    observer.subscribe("edge.plain", () => order.push("position"));
    await join("plain", {}, "subject");
    await join("one", { "7": 4 });
    await join("idle", { "10": 0 });
    send(eventOf("before"));
    const event = eventOf("counted", { counted: true });
    send(event);
    await client.flush();
    await observer.flush();
    assert.deepEqual(edges.get("plain")?.take(), ["frame 1 @2"], "before the edge is asked about the event");
    assert.deepEqual(await flushed("one"), ["frame 1 @1: before 4", "counted 2 @2: counted 4"]);
    assert.deepEqual(await flushed("plain"), []);
    assert.deepEqual(order, ["copy", "copy", "position"]);
    assert.equal((await copied()).length, 6);
    assert.deepEqual([...event.asked].sort(), ["one", "plain"]);
  });

  it("partitions - have frames and numbers of their own", async () => {
    await join("one", { "7": 4 });
    send(eventOf("a", { partition: 0 }));
    send(eventOf("b", { partition: 3 }));
    send(eventOf("c", { partition: 0 }));
    assert.deepEqual(await flushed("one"), ["frame 1 @2: a 4; c 4", "frame 1 @1: b 4"]);
  });

  it("a long event - is gathered from open to close, and only where it was opened", async () => {
    const [one] = [await join("one", { "7": 0, "8": 1 }), await join("plain", {}, "subject")];
    const long = eventOf("star", { counted: true });
    const opened = distributor.open(long);
    begin(long);
    await join("later", { "7": 5 });
    send(eventOf("between"), Uint32Array.of(8));
    distributor.sendPart(opened, Uint32Array.of(7), undefined, distributor.survey());
    distributor.sendPart(opened, Uint32Array.of(8), undefined, distributor.survey());
    assert.deepEqual(messages.positions(one, [0])[0]?.open, [1]);
    opened.close();
    assert.deepEqual(await flushed("one"), [
      ...["open 1 @1: star", "frame 2 @2: between 1"],
      ...["part 3 @1: 0", "part 4 @1: 1", "close 5 @1: counted"],
    ]);
    assert.deepEqual(await flushed("plain"), ["open 1 @1: star", "frame 2 @2", "close 3 @1: counted"]);
    assert.deepEqual(await flushed("later"), []);
    assert.deepEqual(messages.positions(one, [0]), [
      { partition: 0, epoch: 1, sequence: 2, open: [], number: 5 },
    ]);
  });

  it("a long event across presence epochs - sends nothing more to the later epoch", async () => {
    const edge = await join("one", { "7": 0 });
    const opened = distributor.open(eventOf("star"));
    enter(edge, 2);
    distributor.sendPart(opened, Uint32Array.of(7), undefined, distributor.survey());
    opened.close();
    assert.deepEqual(await flushed("one"), ["open 1 @1: star"]);
    assert.deepEqual(edges.get("one")?.delivered, []);
  });

  it("a long event that the edge's next epoch gets from the history - is not ended by the live one", async () => {
    const edge = await join("one", { "7": 0 });
    const long = eventOf("star");
    const live = distributor.open(long);
    enter(edge, 2);
    const resent = distributor.reopen(long, [edge]);
    live.close();
    distributor.resendPart(resent, Uint32Array.of(7), undefined);
    resent.close();
    assert.deepEqual((await flushed("one")).slice(1), ["open 1 @1: star", "part 2 @1: 0", "close 3 @1"]);
    assert.deepEqual(edges.get("one")?.delivered, ["0 star"]);
  });

  it("more recipients than fit into a message - receive the event in one turn", async () => {
    const many = Uint32Array.from({ length: 3_000 }, (_, user) => user + 1_000);
    await join("one", Object.fromEntries(Array.from(many, (user, handle) => [String(user), handle])));
    send(eventOf("a"), many);
    const kinds = (await flushed("one")).map((line) => line.split(" ")[0]);
    assert.deepEqual(kinds, ["open", "part", "part", "part", "close"]);
    assert.equal(new Set(edges.get("one")?.delivered).size, 3_000);
  });

  it("a frame that would exceed max_payload - is sent before the event is added", async () => {
    await join("one", { "7": 0 });
    const big = "x".repeat(MAX_PAYLOAD / 2);
    for (let event = 0; event < 3; event += 1) send(eventOf(`${event}${big}`));
    const lines = await flushed("one");
    assert.deepEqual(
      lines.map((line) => line.slice(0, 13)),
      ["frame 1 @1: 0", "frame 2 @2: 1", "frame 3 @3: 2"],
    );
  });

  it("a new epoch - is numbered from 1 and has none of the old one's events", async () => {
    const edge = await join("one", { "7": 4 });
    send(eventOf("a"));
    messages.flushEdge(edge);
    enter(edge, 2);
    send(eventOf("b"));
    assert.deepEqual(await flushed("one"), ["frame 1 @1: a 4", "frame 1 @2: b 4"]);
  });

  it("a slot that another edge took over - sends nothing to the edge that is gone", async () => {
    const gone = await join("gone", { "7": 4 });
    registry.remove("gone");
    online.removeEdge(gone.slot);
    const edge = await join("one", { "8": 5 });
    assert.equal(edge.slot, gone.slot);
    messages.flushEdge(gone); // its acknowledgement was still on the way
    send(eventOf("a"));
    assert.deepEqual(await flushed("one"), ["frame 1 @1: a 5"]);
    assert.deepEqual(await flushed("gone"), []);
  });

  it("tell - flushes the frame of its partition, and is silent before a presence epoch", async () => {
    const edge = await join("one", { "7": 4 });
    send(eventOf("a"));
    messages.tell(edge, 0, FRAME_KIND.withdraw, new TextEncoder().encode("{}"));
    assert.deepEqual(await flushed("one"), ["frame 1 @1: a 4", "withdraw 2 @1: {}"]);
    edge.presence.lose(1);
    messages.tell(edge, 0, FRAME_KIND.withdraw, new TextEncoder().encode("{}"));
    assert.deepEqual(await flushed("one"), []);
  });

  it("NATS lost in the middle - edges in both modes find a gap in the numbers", async () => {
    await join("one", { "7": 4 });
    await join("plain", {}, "subject");
    send(eventOf("a"));
    assert.deepEqual([await flushed("one"), await flushed("plain")], [["frame 1 @1: a 4"], ["frame 1 @1"]]);
    await broker.stop();
    await waitFor("the loss", () => !client.connected && !observer.connected);
    send(eventOf("lost"));
    distributor.flush();
    broker = await embeddedWith(MAX_PAYLOAD).start(broker.ports);
    await waitFor("the reconnect", () => client.connected && observer.connected);
    send(eventOf("b"));
    assert.deepEqual(await flushed("one"), ["frame 3 @3: b 4"]);
    // one number for the copies, one for the position after them
    assert.deepEqual(await flushed("plain"), ["frame 4 @3"]);
  });

  it("recipients of an event that failed - do not receive the next one", async () => {
    await join("one", { "7": 4, "8": 5 });
    const failing = new Distributor({
      ...{ client, registry, online, messages },
      nameOf: () => {
        throw new Error("unreadable");
      },
    });
    const named = 0x8000_0000;
    const sendBy = (followers: Uint32Array) =>
      failing.send(eventOf("a"), followers, undefined, failing.survey());
    assert.throws(() => sendBy(Uint32Array.of(7, named)), /unreadable/);
    sendBy(Uint32Array.of(8));
    assert.deepEqual(
      (await flushed("one")).map((line) => line.split(": ")[1]),
      ["a 5"],
    );
    assert.deepEqual(sendBy(NONE), { messages: 0, bytes: 0 });
  });
});
