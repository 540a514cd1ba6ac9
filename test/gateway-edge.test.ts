// The rules that `gateway` fan-out hangs on, seen from one end of the protocol: the test plays the graph before a real edge,
// and real edges before readers who come and go. The other end: gateway-graph.test.ts.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import {
  edgeSubject,
  encodeEvent,
  encodeNamed,
  FRAME_KIND,
  FrameWriter,
  parseTopic,
  parseUserId,
} from "../broker/contract.ts";
import {
  BrokerClient,
  type EdgeOrder,
  type Owner,
  type PresenceMessage,
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

describe("an edge in gateway mode, before the graph", () => {
  let server: TestBroker;
  let client: BrokerClient;
  let edge: Edge;
  /** What the edge said. */
  let heard: PresenceMessage[];
  let edgeId: string;
  /** Whether the played graph answers. */
  let answers: boolean;
  /** The played graph: its start, and what it owns. */
  let graph: Owner;
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
      order({ type: "acknowledge", ...graph, epoch: last.epoch, sequence: last.sequence });
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
    graph = { graph: 1, partitions: [0], of: 1 };
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

  it("copies by name - reach their users; hostile ones break no stream and are counted", async () => {
    const ann = await read("named");
    const send = (json: string, users: string[], id = "0-1-n"): void => {
      const event = {
        id,
        json: new TextEncoder().encode(json),
        counted: false,
        users: users.map(parseUserId),
      };
      client.publish(edgeSubject(edgeId), encodeNamed(event));
    };
    send("", ["named"]);
    send('{"id":"x"}\n\ndata: {"evil":1}', ["named"]);
    send("{}", ["named"], "no id");
    client.publish(edgeSubject(edgeId), Uint8Array.of(FRAME_KIND.named, 1, 0));
    send('{"id":"0-1-n","data":"by name"}', ["named", "nobody"]);
    await ann.until(/"data":"by name"/);
    assert.doesNotMatch(ann.text, /evil/);
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
    order({ type: "restart", ...graph, epoch });
    await waitFor("a new epoch with everybody", () => {
      const last = deltas().at(-1);
      return last?.epoch === epoch + 1 && last.complete && last.joins.some(([user]) => user === "ann");
    });
    order({ type: "restart", ...graph, epoch }); // twice is once
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
    graph = { ...graph, graph: 2 };
    client.publish("edge.all", JSON.stringify({ type: "announce", ...graph } satisfies EdgeOrder));
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
