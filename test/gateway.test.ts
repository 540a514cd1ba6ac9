// The rules that `gateway` fan-out hangs on, each seen from the other end of the protocol: the test plays an edge before
// a real graph service, or the graph before a real edge.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import {
  decodeNamed,
  edgeSubject,
  encodeEvent,
  FRAME_KIND,
  FrameWriter,
  parseTopic,
  presenceSubject,
  readFrame,
} from "../broker/contract.ts";
import {
  BrokerClient,
  type EdgeOrder,
  type Msg,
  type PresenceMessage,
  parseOrder,
  parsePresence,
} from "../broker/index.ts";
import type { Edge } from "../edge/index.ts";
import { createLogger } from "../lib/log.ts";
import { embedded, type TestBroker, urlOf } from "./support/brokers.ts";
import { newEdge, TestNetwork } from "./support/network.ts";
import { Reader } from "./support/reader.ts";
import { waitFor } from "./support/wait-for.ts";

const log = createLogger("test", "silent");
const SSE = { Accept: "text/event-stream" };

/** What an edge received, in order: orders, and copies as "kind id recipients". */
class PlayedEdge {
  readonly id: string;
  readonly orders: EdgeOrder[] = [];
  readonly copies: string[] = [];
  readonly #client: BrokerClient;

  constructor(client: BrokerClient, id: string) {
    this.id = id;
    this.#client = client;
    client.subscribe(edgeSubject(id), (message) => this.#receive(message));
  }

  say(message: PresenceMessage): void {
    this.#client.publish(presenceSubject(this.id), JSON.stringify(message));
  }

  delta(epoch: number, sequence: number, joins: [string, number][], leaves: number[] = []): void {
    this.say({ type: "delta", mode: "gateway", epoch, sequence, joins, leaves, complete: true });
  }

  beat(epoch: number, sequence: number): void {
    this.say({ type: "beat", mode: "gateway", epoch, sequence });
  }

  until(type: EdgeOrder["type"], count = 1): Promise<void> {
    return waitFor(
      `${count} × ${type}`,
      () => this.orders.filter((order) => order.type === type).length >= count,
    );
  }

  #receive(message: Msg): void {
    if (message.data[0] === "{".charCodeAt(0)) {
      const order = parseOrder(message.data);
      this.orders.push(order);
      if (order.type === "mark") message.respond();
      return;
    }
    if (message.data[0] === FRAME_KIND.named) {
      const named = decodeNamed(message.data);
      assert.ok(named !== undefined);
      this.copies.push(`named ${dataOf(new TextDecoder().decode(named.json))} ${named.users.join(",")}`);
      return;
    }
    readFrame(message.data, FRAME_KIND.frame, ({ json, recipients, handleAt }) => {
      const handles = Array.from({ length: recipients }, (_, index) => handleAt(index)).sort();
      this.copies.push(`frame ${dataOf(json)} ${handles.join(",")}`);
    });
  }
}

function dataOf(json: string): string {
  return (JSON.parse(json) as { data: string }).data;
}

describe("the graph, before an edge in gateway mode", () => {
  let network: TestNetwork;
  let edges = 0;
  const newPlayedEdge = (): PlayedEdge => {
    edges += 1;
    return new PlayedEdge(network.client, `played${edges}`);
  };

  before(async () => {
    network = await TestNetwork.start({
      broker: embedded,
      fleet: [],
      follows: [
        ["7", "42"],
        ["9", "42"],
        ["alice", "42"],
      ],
    });
  });
  after(() => network.stop());

  it("in step - the event comes once, with the handles of those who are here", async () => {
    const edge = newPlayedEdge();
    edge.delta(1, 1, [
      ["7", 0],
      ["alice", 5],
      ["8", 6],
    ]);
    await edge.until("acknowledge");
    network.client.publish("event.42", "a");
    network.client.publish("event.8", "b");
    await waitFor("both events", () => edge.copies.length === 2);
    assert.deepEqual(edge.copies, ["frame a 0,5", "frame b 6"]);
    edge.delta(1, 2, [["9", 0]], [0]);
    await edge.until("acknowledge", 2);
    network.client.publish("event.42", "c");
    await waitFor("the event", () => edge.copies.length === 3);
    assert.equal(edge.copies[2], "frame c 0,5");
    edge.say({ type: "leaving" });
  });

  it("rule 2, not in step - every event with all recipients by name, and never both ways", async () => {
    const edge = newPlayedEdge();
    edge.beat(1, 0); // the graph has never heard of it
    await edge.until("restart");
    network.client.publish("event.42", "early");
    await waitFor("the event", () => edge.copies.length === 1);
    assert.equal(edge.copies[0], "named early 42,7,9,alice");
    edge.say({
      type: "delta",
      mode: "gateway",
      epoch: 2,
      sequence: 1,
      joins: [["7", 3]],
      leaves: [],
      complete: false,
    });
    await edge.until("acknowledge");
    network.client.publish("event.42", "half");
    await waitFor("the event", () => edge.copies.length === 2);
    assert.equal(edge.copies[1], "named half 42,7,9,alice", "half of a snapshot is not enough");
    edge.delta(2, 2, [["9", 4]]);
    await edge.until("acknowledge", 2);
    network.client.publish("event.42", "whole");
    await waitFor("the event", () => edge.copies.length === 3);
    assert.equal(edge.copies[2], "frame whole 3,4");
    edge.say({ type: "leaving" });
  });

  it("a delta that got lost - is noticed by the next, and by a beat; everything comes by name until a new epoch", async () => {
    for (const notice of ["delta", "beat"] as const) {
      const edge = newPlayedEdge();
      edge.delta(1, 1, [["7", 0]]);
      await edge.until("acknowledge");
      if (notice === "delta") edge.delta(1, 3, [["9", 1]]);
      else edge.beat(1, 2);
      await edge.until("restart");
      network.client.publish("event.42", "lossless");
      await waitFor("the event", () => edge.copies.length === 1);
      assert.equal(edge.copies[0], "named lossless 42,7,9,alice");
      edge.delta(2, 1, [
        ["7", 0],
        ["9", 1],
      ]);
      await edge.until("acknowledge", 2);
      network.client.publish("event.42", "again");
      await waitFor("the event", () => edge.copies.length === 2);
      assert.equal(edge.copies[1], "frame again 0,1");
      edge.say({ type: "leaving" });
    }
  });

  it("rule 3, the bridge - direct messages come through the graph, in order with events of their sender, once", async () => {
    const edge = newPlayedEdge();
    edge.delta(1, 1, [["7", 0]]);
    await edge.until("acknowledge");
    for (let i = 0; i < 50; i += 1) {
      network.client.publish("event.42", `e${i}`);
      network.client.publish("user.7", `d${i}`);
      network.client.publish("user.8", "for somebody who is not here");
    }
    await waitFor("all", () => edge.copies.length >= 100);
    const expected = Array.from({ length: 50 }, (_, i) => [`frame e${i} 0`, `frame d${i} 0`]).flat();
    assert.deepEqual(edge.copies, expected);
    edge.say({ type: "leaving" });
  });

  it("a mixed fleet - copies that the fan-out publishes to user.<id> do not come back over the bridge", async () => {
    const [edge, subject] = [newPlayedEdge(), newPlayedEdge()];
    const copies: string[] = [];
    network.client.subscribe("user.7", (message) =>
      copies.push(dataOf(new TextDecoder().decode(message.data))),
    );
    subject.say({
      type: "delta",
      mode: "subject",
      epoch: 1,
      sequence: 1,
      joins: [],
      leaves: [],
      complete: true,
    });
    edge.delta(1, 1, [["7", 0]]);
    await Promise.all([edge.until("acknowledge"), subject.until("acknowledge")]);
    for (let i = 0; i < 20; i += 1) network.client.publish("event.42", String(i));
    await waitFor("all", () => edge.copies.length >= 20 && copies.length >= 20);
    await network.client.request("graph.count.42", "", 2_000);
    assert.equal(edge.copies.length, 20);
    assert.equal(copies.length, 20);
    edge.say({ type: "leaving" });
    subject.say({ type: "leaving" });
  });

  it("garbage on presence.* - is counted and changes nothing", async () => {
    const edge = newPlayedEdge();
    edge.delta(1, 1, [["7", 0]]);
    await edge.until("acknowledge");
    for (const garbage of ["", "{}", '{"type":"delta"}', "[1]", '{"type":"beat","mode":"x"}'])
      network.client.publish(presenceSubject(edge.id), garbage);
    network.client.publish(presenceSubject("not-an-id"), JSON.stringify({ type: "leaving" }));
    network.client.publish("event.42", "still");
    await waitFor("the event", () => edge.copies.length === 1);
    assert.equal(edge.copies[0], "frame still 0");
    edge.say({ type: "leaving" });
  });

  it("graph.online - whom a user follows, and is here", async () => {
    const edge = newPlayedEdge();
    edge.delta(1, 1, [["42", 0]]);
    await edge.until("acknowledge");
    await network.follow("7", "nobody");
    const reply = await network.client.request("graph.online.7", "", 2_000);
    assert.deepEqual(reply.json(), { user: "7", online: ["42"], unknown: 0 });
    edge.say({ type: "leaving" });
  });
});

describe("an edge in gateway mode, before the graph", () => {
  let server: TestBroker;
  let client: BrokerClient;
  let edge: Edge;
  /** What the edge said. */
  let heard: PresenceMessage[];
  let edgeId: string;
  /** Whether the played graph answers. */
  let answers: boolean;
  const GRAPH = 1;
  let readers: Reader[];

  const order = (what: EdgeOrder): void => {
    client.publish(edgeSubject(edgeId), JSON.stringify(what));
  };
  const deltas = (): Extract<PresenceMessage, { type: "delta" }>[] =>
    heard.filter((message) => message.type === "delta");
  const handleOf = (user: string): number =>
    deltas()
      .flatMap(({ joins }) => joins)
      .findLast(([name]) => name === user)?.[1] ?? -1;
  const acknowledge = (): void => {
    const last = deltas().at(-1);
    if (last !== undefined)
      order({ type: "acknowledge", graph: GRAPH, epoch: last.epoch, sequence: last.sequence });
  };
  const read = async (user: string): Promise<Reader> => {
    const reader = await Reader.open(new URL(`http://127.0.0.1:${edge.port}/stream?user=${user}`), SSE);
    readers.push(reader);
    return reader;
  };
  const frame = (epoch: number, data: string, ...handles: number[]): void => {
    const writer = new FrameWriter(epoch);
    const id = `0-1-${heard.length.toString(36)}${data}`;
    const json = encodeEvent(id, parseTopic("42"), new Date(), new TextEncoder().encode(data));
    writer.add(id, json, Uint32Array.from(handles), handles.length);
    client.publish(edgeSubject(edgeId), writer.take(FRAME_KIND.frame));
  };

  before(async () => {
    server = await embedded.start();
    client = await BrokerClient.connect({ url: urlOf(server) }, { name: "graph", log, wait: false });
    heard = [];
    readers = [];
    answers = true;
    client.subscribe("presence.*", (message) => {
      edgeId = message.subject.slice("presence.".length);
      heard.push(parsePresence(message.data));
      if (answers) acknowledge();
    });
    await client.flush();
    edge = newEdge({ url: urlOf(server) }, { fanout: "gateway" });
    await edge.start();
  });
  after(async () => {
    for (const reader of readers) reader.close();
    await edge.stop();
    await client.close();
    await server.stop();
  });

  it("rule 1 - the welcome is written when the graph has acknowledged; after a second without that, with a resync", async () => {
    answers = false;
    const startedAt = performance.now();
    const opening = read("late");
    await waitFor("the edge to announce the user", () => handleOf("late") !== -1);
    const unsure = await opening;
    assert.ok(performance.now() - startedAt >= 990, "it waited");
    assert.match(unsure.text, /"reason":"join-unsure"/);
    const sure = read("sure");
    await waitFor("the edge to announce the user", () => handleOf("sure") !== -1);
    acknowledge();
    answers = true;
    assert.doesNotMatch((await sure).text, /resync/);
  });

  it("rule 6 - frames by handle reach their users; of another epoch, nobody", async () => {
    const [ann, bob] = [await read("ann"), await read("bob")];
    const epoch = deltas().at(-1)?.epoch ?? 0;
    frame(epoch - 1, "stale", handleOf("ann"));
    frame(epoch + 1, "early", handleOf("ann"));
    frame(epoch, "both", handleOf("ann"), handleOf("bob"));
    await Promise.all([ann.until(/"data":"both"/), bob.until(/"data":"both"/)]);
    assert.doesNotMatch(ann.text, /stale|early/);
    frame(epoch, "one", handleOf("bob"), 4_000_000_000);
    await bob.until(/"data":"one"/);
    assert.doesNotMatch(ann.text, /"one"/);
  });

  it("a handle - of somebody who left is not given to the next before the graph has acknowledged", async () => {
    const gone = await read("gone");
    const handle = handleOf("gone");
    answers = false;
    gone.close();
    await waitFor("the edge to say that they left", () =>
      deltas().some(({ leaves }) => leaves.includes(handle)),
    );
    const next = read("next");
    await waitFor("the edge to announce the next", () => handleOf("next") !== -1);
    assert.notEqual(handleOf("next"), handle);
    acknowledge();
    answers = true;
    await next;
  });

  it("rule 4 - an edge that the graph did not know says so to all streams, after it is known again", async () => {
    const ann = await read("ann");
    answers = false;
    const { epoch = 0 } = deltas().at(-1) ?? {};
    order({ type: "restart", graph: GRAPH, epoch });
    await waitFor("a new epoch with everybody", () => {
      const last = deltas().at(-1);
      return last?.epoch === epoch + 1 && last.complete && last.joins.some(([user]) => user === "ann");
    });
    order({ type: "restart", graph: GRAPH, epoch }); // twice is once
    await client.flush();
    assert.doesNotMatch(ann.text, /resync/, "not before it is reachable");
    acknowledge();
    answers = true;
    await ann.until(/event: resync\ndata: \{"reason":"edge-expired"\}/);
    assert.equal(ann.text.match(/resync/g)?.length, 1);
    assert.equal(deltas().at(-1)?.epoch, epoch + 1);
  });

  it("a graph that started anew - likewise", async () => {
    const bob = await read("bob");
    client.publish("edge.all", JSON.stringify({ type: "announce", graph: 2 } satisfies EdgeOrder));
    await bob.until(/event: resync\ndata: \{"reason":"graph-restarted"\}/);
  });

  it("a graph that falls silent - the edge is not ready; its streams stay open", async () => {
    const ann = await read("ann");
    answers = false;
    await waitFor("readiness to go", () => edge.notReady === "the graph is away");
    assert.equal(ann.ended, undefined);
    answers = true;
    await waitFor("readiness to come back", () => edge.notReady === undefined);
  });
});

describe("comings and goings in gateway mode", () => {
  let network: TestNetwork;
  before(async () => {
    network = await TestNetwork.start({
      broker: embedded,
      fleet: ["gateway", "gateway"],
      follows: [["7", "42"]],
    });
    await network.ready();
  });
  after(() => network.stop());

  it("races - whoever has the welcome misses nothing, however users come, go and come back", async () => {
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
          assert.equal(new Set(ids).size, ids.length, "nothing twice");
          reader.close();
        }
      }),
    );
    await waitFor(
      "everybody to be gone",
      async () => (await network.send("event.42", "anybody?")).online === 0,
    );
  });

  it("moved to the other mode while it runs - readers see everything up to their goodbye, and from their welcome", async () => {
    const moving = await TestNetwork.start({ broker: embedded, fleet: ["subject"], follows: [["7", "42"]] });
    await moving.ready();
    const before = await moving.read("/stream?user=7");
    let sent = 0;
    const publish = (): void => {
      sent += 1;
      moving.client.publish("event.42", JSON.stringify({ n: sent }));
    };
    for (let i = 0; i < 200; i += 1) publish();
    await moving.startEdge({ fanout: "gateway" });
    await moving.ready();
    const first = sent + 1;
    const after = await moving.read("/stream?user=7", {}, 1);
    for (let i = 0; i < 200; i += 1) publish();
    await before.untilEvents(400);
    await moving.edges[0]?.stop();
    for (let i = 0; i < 200; i += 1) publish();
    await after.untilEvents(400);
    const numbers = (reader: Reader): number[] => reader.events.map(({ data }) => (data as { n: number }).n);
    assert.deepEqual(
      numbers(before),
      Array.from({ length: 400 }, (_, i) => i + 1),
    );
    assert.deepEqual(
      numbers(after),
      Array.from({ length: 400 }, (_, i) => first + i),
    );
    await moving.stop();
  });
});
