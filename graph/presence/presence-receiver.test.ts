import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { pino } from "pino";
import { EVERY_PRESENCE, edgeSubject, presenceSubject } from "../../broker/contract.ts";
import {
  BrokerClient,
  type EdgeOrder,
  encodePresence,
  PRESENCE_VERSION,
  type PresenceMessage,
  parseOrder,
} from "../../broker/index.ts";
import { createLogger } from "../../lib/log.ts";
import { embedded, type TestBroker, urlOf } from "../../test/support/brokers.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { EdgeRegistry } from "./edge-registry.ts";
import { OnlineTable } from "./online-table.ts";
import { PresenceReceiver } from "./presence-receiver.ts";

const OWNER = { graph: 7, partitions: [0], of: 1 };
const quiet = createLogger("test", "silent");

describe("presence receiver", () => {
  let broker: TestBroker;
  let client: BrokerClient;
  let edge: BrokerClient;
  let registry: EdgeRegistry;
  let online: OnlineTable;
  let receiver: PresenceReceiver;
  /** Orders that the edges received, and calls of `sendPending`, in order. */
  let steps: string[];
  let logged: string[];
  /** Edges that named positions: each call puts one in step. */
  let catchingUp: (() => void)[];

  beforeEach(async () => {
    broker = await embedded.start();
    const nats = { url: urlOf(broker) };
    client = await BrokerClient.connect(nats, { name: "graph", log: quiet, wait: true });
    edge = await BrokerClient.connect(nats, { name: "edge", log: quiet, wait: true });
    steps = [];
    logged = [];
    catchingUp = [];
    registry = new EdgeRegistry(60_000);
    online = new OnlineTable();
    registry.onGone(({ slot }) => online.removeEdge(slot));
    receiver = new PresenceReceiver({
      ...{ client, registry, online, owner: OWNER },
      fanOut: {
        sendPending: ({ id }) => steps.push(`pending ${id}`),
        catchUp: (link, onInStep) => {
          const enter = (): void => {
            link.presence.enterStep();
            onInStep();
          };
          if (link.presence.positionIn(0) === undefined) enter();
          else catchingUp.push(enter);
        },
        positions: () => [{ partition: 0, epoch: 9, sequence: 30, open: [], number: 2 }],
      },
      log: pino({ level: "warn" }, { write: (line: string) => logged.push(line) }),
    });
    client.subscribe(EVERY_PRESENCE, (message) => receiver.receive(message));
    edge.subscribe(edgeSubject("*"), ({ subject, data }) => {
      const order = parseOrder(data);
      assert.ok(order.type !== "unknown-version");
      steps.push(describeOrder(subject.slice("edge.".length), order));
    });
    await client.flush();
    await edge.flush();
  });
  afterEach(async () => {
    await client.close();
    await edge.close();
    await broker.stop();
  });

  /** Publishes a message of an edge, and resolves when the edge has received what it caused. */
  const announce = async (id: string, message: PresenceMessage | string): Promise<void> => {
    const payload = typeof message === "string" ? message : encodePresence(message);
    edge.publish(presenceSubject(id), payload);
    await edge.flush();
    await client.flush(); // it has been received
    await client.flush(); // the replies of later turns have been sent
    await edge.flush();
  };
  const delta = (
    epoch: number,
    sequence: number,
    joins: [string, number][],
    { leaves = [] as number[], complete = true } = {},
  ): PresenceMessage => ({ type: "delta", mode: "frames", epoch, sequence, joins, leaves, complete });
  const beat = (epoch: number, sequence: number): PresenceMessage => ({
    type: "beat",
    mode: "frames",
    epoch,
    sequence,
  });
  const isOnline = (user: string): boolean => online.firstOf(user) !== -1;

  it("a first delta - registers the edge and its users, and is acknowledged", async () => {
    await announce("a", delta(1, 1, [["7", 0]]));
    assert.deepEqual(steps, ["pending a", "pending a", "a acknowledge 1/1 → 30"]);
    assert.equal(registry.get("a")?.presence.isInStep, true);
    assert.equal(isOnline("7"), true);
  });

  it("an epoch that begins in several deltas - is in step only once it is complete", async () => {
    await announce("a", delta(1, 1, [["7", 0]], { complete: false }));
    assert.equal(registry.get("a")?.presence.isInStep, false);
    await announce("a", delta(1, 2, [["8", 1]]));
    assert.equal(registry.get("a")?.presence.isInStep, true);
    assert.deepEqual([isOnline("7"), isOnline("8")], [true, true]);
  });

  it("an edge that catches up - has its deltas applied, but acknowledged only when it is in step", async () => {
    const positions = [{ partition: 0, epoch: 9, sequence: 20, open: [] }];
    await announce("a", { ...delta(1, 1, [["7", 0]]), positions } as PresenceMessage);
    await announce("a", delta(1, 2, [["8", 1]]));
    assert.deepEqual(steps, ["pending a"]);
    assert.equal(isOnline("8"), true);
    await announce("a", beat(1, 2));
    assert.deepEqual(steps, ["pending a", "a acknowledge 1/0"], "a sign of life that acknowledges nothing");
    catchingUp[0]?.();
    await client.flush();
    await edge.flush();
    assert.deepEqual(steps.slice(2), ["pending a", "a acknowledge 1/2 → 30"]);
    await announce("a", delta(1, 3, [["9", 2]]));
    assert.equal(steps.at(-1), "a acknowledge 1/3 → 30");
  });

  it("a user who leaves - goes offline, and what waits is sent before the acknowledgement", async () => {
    await announce("a", delta(1, 1, [["7", 0]]));
    steps.length = 0;
    await announce("a", delta(1, 2, [["8", 0]], { leaves: [0] }));
    assert.deepEqual(steps, ["pending a", "a acknowledge 1/2 → 30"]);
    assert.deepEqual([isOnline("7"), isOnline("8")], [false, true]);
  });

  it("a beat - is acknowledged where it continues the presence, and otherwise restarts it", async () => {
    await announce("a", delta(3, 1, [["7", 0]]));
    steps.length = 0;
    await announce("a", beat(3, 1));
    assert.deepEqual(steps, ["pending a", "a acknowledge 3/1 → 30"]);
    steps.length = 0;
    await announce("a", beat(3, 2));
    assert.deepEqual(steps, ["pending a", "a restart 3"]);
    assert.equal(receiver.restarts, 1);
    assert.equal(registry.get("a")?.presence.isInStep, false);
    assert.equal(isOnline("7"), false);
  });

  it("a gap between deltas - nothing of the epoch is applied any more, and a later epoch is", async () => {
    await announce("a", delta(1, 1, [["7", 0]]));
    for (const sequence of [3, 0, 2, 3]) await announce("a", delta(1, sequence, [["8", 1]]));
    assert.equal(receiver.restarts, 4);
    assert.deepEqual([isOnline("7"), isOnline("8")], [false, false]);
    await announce("a", delta(2, 1, [["8", 1]]));
    assert.equal(steps.at(-1), "a acknowledge 2/1 → 30");
    assert.deepEqual([isOnline("7"), isOnline("8")], [false, true]);
  });

  it("an epoch that has ended - cannot begin a second time", async () => {
    await announce("a", delta(2, 1, [["7", 0]]));
    await announce("a", delta(1, 1, [["8", 1]]));
    assert.equal(steps.at(-1), "a restart 2");
    assert.equal(isOnline("8"), false);
  });

  it("leaving - removes the edge and its users at once", async () => {
    await announce("a", delta(1, 1, [["7", 0]]));
    await announce("a", { type: "leaving" });
    assert.equal(registry.size, 0);
    assert.equal(isOnline("7"), false);
  });

  it("malformed messages and ids - are counted and change nothing", async () => {
    const version = PRESENCE_VERSION;
    const wrong = [{ version }, { version, type: "delta" }].map((value) => JSON.stringify(value));
    for (const garbage of ["", ...wrong]) await announce("a", garbage);
    await announce("not-an-id", delta(1, 1, []));
    await announce("all", delta(1, 1, [])); // edge.all is the subject of every edge
    assert.equal(receiver.rejected, 5);
    assert.equal(registry.size, 0);
    assert.deepEqual(steps, []);
  });

  it("another protocol version - is refused every time, logged once, and ends the edge", async () => {
    await announce("a", delta(1, 1, [["7", 0]]));
    steps.length = 0;
    const later = JSON.stringify({ version: PRESENCE_VERSION + 1, type: "unheard-of" });
    await announce("a", later);
    await announce("a", later);
    const refusal = `a refuse ${PRESENCE_VERSION}`;
    assert.deepEqual(steps, [refusal, refusal]);
    assert.equal(receiver.refused, 2);
    assert.equal(logged.length, 1);
    assert.equal(registry.size, 0);
    assert.equal(isOnline("7"), false);
  });

  it("more edges than the registry takes - are refused and logged once, known ones are served", async () => {
    await announce("a", delta(1, 1, []));
    for (let id = 0; registry.add(`e${id}`, "subject", performance.now()) !== undefined; id += 1);
    await announce("b", delta(1, 1, []));
    await announce("c", delta(1, 1, []));
    assert.equal(receiver.refused, 2);
    assert.equal(logged.length, 1);
    await announce("a", beat(1, 1));
    assert.equal(steps.at(-1), "a acknowledge 1/1 → 30");
  });

  it("callEdges - asks every edge to announce itself", async () => {
    receiver.callEdges();
    await waitFor("the order", () => steps.length > 0);
    assert.deepEqual(steps, ["all announce"]);
  });
});

/** An order as "edge type epoch/sequence". */
function describeOrder(edge: string, order: EdgeOrder): string {
  if (order.type === "acknowledge") {
    const positions = order.positions.map(({ sequence }) => ` → ${sequence}`).join("");
    return `${edge} ${order.type} ${order.epoch}/${order.sequence}${positions}`;
  }
  if (order.type === "restart") return `${edge} ${order.type} ${order.epoch}`;
  return order.type === "refuse" ? `${edge} ${order.type} ${order.speaks}` : `${edge} ${order.type}`;
}
