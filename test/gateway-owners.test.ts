// The rules that `gateway` fan-out hangs on where the topics are split: the test plays two graph services before a real edge.
// One service: gateway-edge.test.ts.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { edgeSubject, encodeEvent, FRAME_KIND, FrameWriter, parseTopic } from "../broker/contract.ts";
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
import { newEdge } from "./support/network.ts";
import { Reader } from "./support/reader.ts";
import { waitFor } from "./support/wait-for.ts";

const log = createLogger("test", "silent");
const SSE = { Accept: "text/event-stream" };

interface PlayedService extends Owner {
  answers: boolean;
}

describe("an edge in gateway mode, before two services", () => {
  let server: TestBroker;
  let client: BrokerClient;
  let edge: Edge;
  let edgeId: string;
  let heard: PresenceMessage[];
  let readers: Reader[];
  let first: PlayedService;
  let second: PlayedService;

  const order = (what: EdgeOrder): void => {
    client.publish(edgeSubject(edgeId), JSON.stringify(what));
  };
  const deltas = (): Extract<PresenceMessage, { type: "delta" }>[] =>
    heard.filter((message) => message.type === "delta");
  const lastDelta = (): { epoch: number; sequence: number } => deltas().at(-1) ?? { epoch: 0, sequence: 0 };
  const handleOf = (user: string): number =>
    deltas()
      .flatMap(({ joins }) => joins)
      .findLast(([name]) => name === user)?.[1] ?? -1;
  const acknowledge = ({ graph, partitions, of }: PlayedService): void => {
    const { epoch, sequence } = lastDelta();
    order({ type: "acknowledge", graph, partitions, of, epoch, sequence });
  };
  const read = async (user: string): Promise<Reader> => {
    const reader = await Reader.open(new URL(`http://127.0.0.1:${edge.port}/stream?user=${user}`), SSE);
    readers.push(reader);
    return reader;
  };
  const frame = (partition: number, data: string, handle: number): void => {
    const writer = new FrameWriter(lastDelta().epoch);
    const id = `${partition}-1-1`;
    const json = encodeEvent(id, parseTopic("42"), new Date(), new TextEncoder().encode(data));
    writer.add(id, json, Uint32Array.of(handle), 1);
    client.publish(edgeSubject(edgeId), writer.take(FRAME_KIND.frame));
  };

  before(async () => {
    server = await embedded.start();
    client = await BrokerClient.connect({ url: urlOf(server) }, { name: "graph", log, wait: false });
    heard = [];
    readers = [];
    first = { graph: 1, partitions: [0], of: 2, answers: true };
    second = { graph: 2, partitions: [1], of: 2, answers: true };
    client.subscribe("presence.*", (message) => {
      edgeId = message.subject.slice("presence.".length);
      heard.push(parsePresence(message.data));
      for (const service of [first, second]) if (service.answers) acknowledge(service);
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

  it("rule 1 - the welcome is written when the owner of every partition has acknowledged", async () => {
    second.answers = false;
    const unsure = await read("late");
    assert.match(unsure.text, /"reason":"join-unsure"/);
    const opening = read("sure");
    await waitFor("the edge to announce the user", () => handleOf("sure") !== -1);
    acknowledge(second);
    second.answers = true;
    assert.doesNotMatch((await opening).text, /resync/);
  });

  it("a handle - is given anew only when both have acknowledged the leaving", async () => {
    const gone = await read("gone");
    const handle = handleOf("gone");
    second.answers = false;
    gone.close();
    await waitFor("the edge to say that they left", () =>
      deltas().some(({ leaves }) => leaves.includes(handle)),
    );
    const next = await read("next");
    assert.notEqual(handleOf("next"), handle, "the second service may still send them frames");
    second.answers = true;
    acknowledge(second);
    await read("other");
    assert.equal(handleOf("other"), handle);
    next.close();
  });

  it("a service that starts - everybody is told to look again, once, when both know everybody", async () => {
    const ann = await read("ann");
    second = { ...second, graph: 3, answers: false };
    const { graph, partitions, of } = second;
    for (let twice = 0; twice < 2; twice += 1)
      client.publish(
        "edge.all",
        JSON.stringify({ type: "announce", graph, partitions, of } satisfies EdgeOrder),
      );
    const { epoch } = lastDelta();
    await waitFor("a new epoch", () => lastDelta().epoch === epoch + 1);
    acknowledge(first);
    await client.flush();
    assert.doesNotMatch(ann.text, /resync/, "the one who has just started does not know them yet");
    second.answers = true;
    acknowledge(second);
    await ann.until(/event: resync\ndata: \{"reason":"graph-restarted"\}/);
    await read("afterwards");
    assert.equal(ann.text.match(/resync/g)?.length, 1);
    assert.equal(lastDelta().epoch, epoch + 1, "one epoch for one start");
  });

  it("a service that counts other partitions - does not take turns with those who are known", async () => {
    const ann = await read("ann");
    const { epoch } = lastDelta();
    for (let round = 0; round < 20; round += 1) {
      acknowledge({ graph: 9, partitions: [7], of: 8, answers: true });
      acknowledge(first);
      acknowledge(second);
    }
    const bob = await read("bob");
    assert.doesNotMatch(ann.text + bob.text, /resync/);
    assert.equal(lastDelta().epoch, epoch);
  });

  it("a service that falls silent - the other's events go on; its own frames are refused once its handles are given anew, until it is back", async () => {
    const ann = await read("ann");
    const gone = await read("gone");
    const handle = handleOf("gone");
    second.answers = false;
    gone.close();
    let heir: Reader | undefined;
    let opened = 0;
    await waitFor("its handles to be given anew", async () => {
      opened += 1;
      heir = await read(`heir${opened}`);
      assert.match(heir.text, /"reason":"join-unsure"/, "nobody speaks for partition 1");
      return handleOf(`heir${opened}`) === handle;
    });
    frame(1, "not yours", handle);
    frame(0, "yours", handle);
    frame(0, "goes on", handleOf("ann"));
    await Promise.all([heir?.until(/"data":"yours"/), ann.until(/"data":"goes on"/)]);
    assert.doesNotMatch(heir?.text ?? "", /not yours/);
    assert.equal(edge.notReady, undefined, "half a graph is better than none");

    const { epoch } = lastDelta();
    second.answers = true;
    acknowledge(second);
    await ann.until(/event: resync\ndata: \{"reason":"graph-restarted"\}/);
    await waitFor("a new epoch", () => lastDelta().epoch === epoch + 1);
    const sure = await read("sure-again");
    assert.doesNotMatch(sure.text, /resync/);
    frame(1, "welcome back", handleOf("ann"));
    await ann.until(/"data":"welcome back"/);
  });
});
