import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import {
  COPY_PREFIX,
  decodeNamed,
  FRAME_KIND,
  parseTopic,
  parseUserId,
  readFrame,
} from "../../broker/contract.ts";
import { BrokerClient } from "../../broker/index.ts";
import { createLogger } from "../../lib/log.ts";
import { embeddedWith, type TestBroker, urlOf } from "../../test/support/brokers.ts";
import { type EdgeLink, EdgeRegistry } from "../presence/edge-registry.ts";
import { Losses } from "../presence/losses.ts";
import { OnlineTable } from "../presence/online-table.ts";
import { Distributor } from "./distributor.ts";
import type { OutgoingEvent } from "./event.ts";

const MAX_PAYLOAD = 4_096;
const log = createLogger("test", "silent");
const FOLLOWERS = Uint32Array.of(7, 8, 9);
const NONE = new Uint32Array(0);

function eventOf(data: string, { counted = false, partition = 0 } = {}): OutgoingEvent {
  const json = new TextEncoder().encode(JSON.stringify({ data }));
  const to = { topic: parseTopic("alice") };
  const reply = counted ? "reply" : undefined;
  return { ordinal: 1, to, id: `${partition}-1-1`, partition, json, counted, reply, asked: new Set() };
}

/** A message to an edge as "edge kind epoch: data recipients; …". */
function describeMessage(edge: string, bytes: Uint8Array): string {
  const dataOf = (json: string): string => (JSON.parse(json) as { data: string }).data;
  const kind = bytes[0];
  if (kind === FRAME_KIND.named) {
    const named = decodeNamed(bytes);
    assert.ok(named !== undefined);
    return `${edge} named: ${dataOf(new TextDecoder().decode(named.json))} ${named.users.join(",")}`;
  }
  assert.ok(kind === FRAME_KIND.frame || kind === FRAME_KIND.counted);
  const records: string[] = [];
  const isWhole = readFrame(bytes, kind, ({ json, recipients, handleAt }) => {
    const handles = Array.from({ length: recipients }, (_, index) => handleAt(index)).sort();
    records.push(`${dataOf(json)} ${handles.join(",")}`);
  });
  assert.ok(isWhole);
  const epoch = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
  return `${edge} ${kind === FRAME_KIND.frame ? "frame" : "counted"} ${epoch}: ${records.join("; ")}`;
}

describe("distributor", () => {
  let broker: TestBroker;
  let client: BrokerClient;
  let observer: BrokerClient;
  let registry: EdgeRegistry;
  let online: OnlineTable;
  let losses: Losses;
  let distributor: Distributor;
  /** What edges and users received, in order. */
  let received: string[];

  beforeEach(async () => {
    broker = await embeddedWith(MAX_PAYLOAD).start();
    const nats = { url: urlOf(broker) };
    client = await BrokerClient.connect(nats, { name: "graph", log, wait: true });
    observer = await BrokerClient.connect(nats, { name: "observer", log, wait: true });
    received = [];
    observer.subscribe(`${COPY_PREFIX}*`, ({ subject, headers }) => {
      assert.ok(headers !== undefined);
      received.push(subject);
    });
    observer.subscribe("edge.*", ({ subject, data }) =>
      received.push(describeMessage(subject.slice("edge.".length), data)),
    );
    await observer.flush();
    registry = new EdgeRegistry(60_000);
    online = new OnlineTable();
    losses = new Losses(client);
    distributor = new Distributor({ client, registry, online, nameOf: String, losses });
  });
  afterEach(async () => {
    losses.stop();
    await client.close();
    await observer.close();
    await broker.stop();
  });

  const join = (id: string, mode: "subject" | "frames"): EdgeLink => {
    const edge = registry.add(id, mode, performance.now());
    assert.ok(edge !== undefined);
    return edge;
  };
  /** Adds an edge in `frames` mode whose presence is complete, with these users. */
  const joinInStep = (id: string, users: Readonly<Record<string, number>>, epoch = 1): EdgeLink => {
    const edge = join(id, "frames");
    edge.presence.begin("frames", epoch);
    edge.presence.advance(true);
    for (const [user, handle] of Object.entries(users)) online.add(edge.slot, handle, user);
    return edge;
  };
  const send = (event: OutgoingEvent, followers = FOLLOWERS, author?: string) =>
    distributor.send(
      event,
      followers,
      author === undefined ? undefined : parseUserId(author),
      distributor.survey(),
    );
  /** Sends what waits and returns what was received since the last call. */
  const flushed = async (): Promise<string[]> => {
    distributor.flush();
    await client.flush();
    await observer.flush();
    return received.splice(0);
  };

  it("no edge known - one message per recipient, the author first", async () => {
    const event = eventOf("a");
    assert.deepEqual(send(event, FOLLOWERS, "rj"), { messages: 4, bytes: 4 * event.json.length });
    assert.deepEqual(await flushed(), ["copy.rj", "copy.7", "copy.8", "copy.9"]);
    assert.deepEqual(distributor.counts, { subject: 4, frame: 0, named: 0 });
  });

  it("edges in step - each receives one frame with its own recipients' handles", async () => {
    joinInStep("one", { "7": 0, "8": 1, rj: 2 });
    joinInStep("two", { "8": 0 });
    joinInStep("three", { "10": 0 });
    send(eventOf("a"), FOLLOWERS, "rj");
    send(eventOf("b"));
    assert.deepEqual((await flushed()).sort(), ["one frame 1: a 0,1,2; b 0,1", "two frame 1: a 0; b 0"]);
    assert.deepEqual(distributor.counts, { subject: 0, frame: 7, named: 0 });
    assert.equal(distributor.frames, 2);
  });

  it("an edge that is not in step - receives all recipients by name, and no frame", async () => {
    joinInStep("one", { "7": 4 });
    const late = join("late", "frames");
    online.add(late.slot, 0, "7");
    send(eventOf("a"), FOLLOWERS, "rj");
    assert.deepEqual((await flushed()).sort(), ["late named: a rj,7,8,9", "one frame 1: a 4"]);
    assert.deepEqual(distributor.counts, { subject: 0, frame: 1, named: 1 });
  });

  it("a mixed fleet - both ways; the asked edges are those that received a counted copy", async () => {
    join("plain", "subject");
    joinInStep("one", { "7": 4 });
    joinInStep("idle", { "10": 0 });
    send(eventOf("before"));
    const event = eventOf("counted", { counted: true });
    send(event);
    const all = await flushed();
    assert.deepEqual(
      all.filter((line) => line.startsWith("one")),
      ["one frame 1: before 4", "one counted 1: counted 4"],
      "the counted event is sent alone, after what waited",
    );
    assert.equal(all.filter((line) => line.startsWith(COPY_PREFIX)).length, 6);
    assert.deepEqual([...event.asked].sort(), ["one", "plain"]);
  });

  it("a direct message - reaches edges in both modes", async () => {
    join("plain", "subject");
    distributor.direct(eventOf("early"), parseUserId("7"));
    assert.deepEqual(await flushed(), ["copy.7"]);
    joinInStep("one", { "7": 4 });
    distributor.direct(eventOf("a"), parseUserId("7"));
    assert.deepEqual(await flushed(), ["copy.7", "one frame 1: a 4"]);
  });

  it("partitions - have frames of their own", async () => {
    joinInStep("one", { "7": 4 });
    send(eventOf("a", { partition: 0 }));
    send(eventOf("b", { partition: 3 }));
    send(eventOf("c", { partition: 0 }));
    assert.deepEqual(await flushed(), ["one frame 1: a 4; c 4", "one frame 1: b 4"]);
  });

  it("a small max_payload - splits frames and lists of names, and loses no recipient", async () => {
    const many = Uint32Array.from({ length: 3_000 }, (_, user) => user + 1_000);
    joinInStep("one", Object.fromEntries(Array.from(many, (user, handle) => [String(user), handle])));
    join("late", "frames");
    send(eventOf("a"), many);
    const messages = await flushed();
    assert.ok(messages.filter((line) => line.startsWith("one")).length >= 3);
    const recipientsOf = (edge: string): number =>
      messages
        .filter((line) => line.startsWith(edge))
        .flatMap((line) => line.split(": ")[1]?.split("; ") ?? [])
        .reduce((sum, record) => sum + record.split(",").length, 0);
    assert.equal(recipientsOf("one"), 3_000);
    assert.equal(recipientsOf("late"), 3_000);
  });

  it("a new epoch - the frames of the old one are sent before it, those after it carry the new one", async () => {
    const edge = joinInStep("one", { "7": 4 });
    send(eventOf("a"));
    distributor.flushEdge(edge);
    edge.presence.begin("frames", 2);
    edge.presence.advance(true);
    send(eventOf("b"));
    assert.deepEqual(await flushed(), ["one frame 1: a 4", "one frame 2: b 4"]);
  });

  it("a slot that another edge took over - sends nothing to the edge that is gone", async () => {
    const gone = joinInStep("gone", { "7": 4 });
    registry.remove("gone");
    online.removeEdge(gone.slot);
    const edge = joinInStep("one", { "8": 5 });
    assert.equal(edge.slot, gone.slot);
    distributor.flushEdge(gone); // its acknowledgement was still on the way
    send(eventOf("a"));
    assert.deepEqual(await flushed(), ["one frame 1: a 5"]);
  });

  it("NATS lost in the middle - throws GRAPH_CUT_OFF", async () => {
    await client.close();
    assert.throws(() => send(eventOf("a")), { code: "GRAPH_CUT_OFF" });
  });

  it("recipients of an event that failed - do not receive the next one", async () => {
    joinInStep("one", { "7": 4, "8": 5 });
    const failing = new Distributor({
      ...{ client, registry, online, losses },
      nameOf: () => {
        throw new Error("unreadable");
      },
    });
    const named = 0x8000_0000;
    const sendBy = (followers: Uint32Array) =>
      failing.send(eventOf("a"), followers, undefined, failing.survey());
    assert.throws(() => sendBy(Uint32Array.of(7, named)), /unreadable/);
    sendBy(Uint32Array.of(8));
    failing.flush();
    assert.deepEqual(await flushed(), ["one frame 1: a 5"]);
    assert.deepEqual(sendBy(NONE), { messages: 0, bytes: 0 });
  });
});
