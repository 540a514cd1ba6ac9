// The rules of `frames` fan-out, seen from one end of the protocol: the test plays an edge for a real graph
// service. The other end is in frames-edge.test.ts.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { presenceSubject } from "../broker/contract.ts";
import { type EdgeOrder, type EdgePosition, PRESENCE_VERSION } from "../broker/index.ts";
import { embedded } from "./support/brokers.ts";
import { TestNetwork } from "./support/network.ts";
import { dataOf, PlayedEdge } from "./support/played-edge.ts";
import { waitFor } from "./support/wait-for.ts";

type Acknowledgement = Extract<EdgeOrder, { type: "acknowledge" }>;

describe("the graph, facing a played edge in frames mode", () => {
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

  it("a synchronized edge - receives an event once, with the handles of its own recipients", async () => {
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

  it("an edge of an earlier release - is refused in either mode, with the version that the graph supports", async () => {
    for (const earlier of [
      { version: PRESENCE_VERSION - 1, mode: "frames" },
      { version: PRESENCE_VERSION - 1, mode: "subject" },
      { mode: "gateway" }, // it sent no version
    ]) {
      const edge = newPlayedEdge();
      const beat = { ...earlier, type: "beat", epoch: 1, sequence: 1 };
      network.client.publish(presenceSubject(edge.id), JSON.stringify(beat));
      await edge.until("refuse");
      assert.deepEqual(edge.orders, [{ type: "refuse", speaks: PRESENCE_VERSION }]);
    }
  });

  it("an edge of a later release - is refused, with the version that the graph supports", async () => {
    const edge = newPlayedEdge();
    edge.delta(1, 1, [["7", 1]]);
    await edge.until("acknowledge");
    const later = { version: PRESENCE_VERSION + 1, type: "something new" };
    network.client.publish(presenceSubject(edge.id), JSON.stringify(later));
    await edge.until("refuse");
    assert.deepEqual(edge.orders.at(-1), { type: "refuse", speaks: PRESENCE_VERSION });
    network.client.publish("event.42", "not for it");
    await network.client.flush();
    assert.deepEqual(edge.copies, []);
  });

  /** Returns where the last acknowledgement says that this edge has come. */
  const positionsOf = ({ orders }: PlayedEdge): EdgePosition[] =>
    (orders.findLast(({ type }) => type === "acknowledge") as Acknowledgement).positions.map(
      ({ partition, epoch, sequence, open }) => ({ partition, epoch, sequence, open }),
    );
  /** Begins a presence epoch with positions. */
  const snapshot = (
    edge: PlayedEdge,
    epoch: number,
    joins: readonly [string, number][],
    complete: boolean,
    positions: readonly EdgePosition[],
  ): void =>
    edge.say({
      ...{ type: "delta", mode: "frames", epoch, sequence: 1 },
      leaves: [],
      joins,
      complete,
      positions,
    });
  /**
   * Resolves when the graph has handled everything that was published before, and this edge has received it.
   */
  const settle = async (): Promise<void> => {
    await network.client.request("graph.count.42", "", 2_000);
    await network.client.flush();
  };

  it("rule 2 - an edge that is not synchronized receives nothing, and then everything since its position, once", async () => {
    const edge = newPlayedEdge();
    edge.delta(1, 1, [["7", 0]]);
    await edge.until("acknowledge");
    const positions = positionsOf(edge);
    edge.beat(2, 0); // the graph does not know this epoch
    await edge.until("restart");
    network.client.publish("event.42", "early");
    await settle();
    snapshot(edge, 3, [["7", 3]], false, positions);
    network.client.publish("event.42", "half");
    await settle();
    assert.deepEqual(edge.copies, [], "half of a snapshot is not enough");
    edge.delta(3, 2, [["9", 4]]);
    await waitFor("both events", () => edge.copies.length === 2);
    network.client.publish("event.42", "whole");
    await waitFor("the event", () => edge.copies.length === 3);
    assert.deepEqual(edge.copies, ["frame early 3,4", "frame half 3,4", "frame whole 3,4"]);
    edge.say({ type: "leaving" });
  });

  it("a lost delta - is detected by the next delta or beat, and what it kept back is sent in the new epoch", async () => {
    for (const notice of ["delta", "beat"] as const) {
      const edge = newPlayedEdge();
      edge.delta(1, 1, [["7", 0]]);
      await edge.until("acknowledge");
      const positions = positionsOf(edge);
      if (notice === "delta") edge.delta(1, 3, [["9", 1]]);
      else edge.beat(1, 2);
      await edge.until("restart");
      network.client.publish("event.42", "lossless");
      await settle();
      assert.deepEqual(edge.copies, []);
      const joins: [string, number][] = [
        ["7", 0],
        ["9", 1],
      ];
      snapshot(edge, 2, joins, true, positions);
      await waitFor("the event", () => edge.copies.length === 1);
      network.client.publish("event.42", "again");
      await waitFor("the event", () => edge.copies.length === 2);
      assert.deepEqual(edge.copies, ["frame lossless 0,1", "frame again 0,1"]);
      edge.say({ type: "leaving" });
    }
  });

  it("rule 3, direct messages - pass through the graph once, in order with their sender's events", async () => {
    const edge = newPlayedEdge();
    edge.delta(1, 1, [["7", 0]]);
    await edge.until("acknowledge");
    for (let i = 0; i < 50; i += 1) {
      network.client.publish("event.42", `e${i}`);
      network.client.publish("user.7", `d${i}`);
      network.client.publish("user.8", "for an absent user");
    }
    await waitFor("all", () => edge.copies.length >= 100);
    const expected = Array.from({ length: 50 }, (_, i) => [`frame e${i} 0`, `frame d${i} 0`]).flat();
    assert.deepEqual(edge.copies, expected);
    edge.say({ type: "leaving" });
  });

  it("a leave - is acknowledged only after all copies that contain its handle", async () => {
    const edge = newPlayedEdge();
    edge.delta(1, 1, [["7", 0]]);
    await edge.until("acknowledge");
    for (let round = 1; round <= 20; round += 1) {
      network.client.publish("event.42", `r${round}`);
      edge.delta(1, 2 * round, [], [0]); // right after the event
      await edge.until("acknowledge", 2 * round);
      await network.client.request("graph.count.42", "", 2_000);
      // from here on the edge may assign the handle to another user
      assert.equal(
        edge.log.at(-1),
        "acknowledge",
        `no copy after the acknowledgement: ${edge.log.slice(-3)}`,
      );
      assert.equal(edge.copies.at(-1), `frame r${round} 0`);
      edge.delta(1, 2 * round + 1, [["7", 0]]);
      await edge.until("acknowledge", 2 * round + 1);
    }
    edge.say({ type: "leaving" });
  });

  it("a mixed fleet - edges in both modes receive events and direct messages once", async () => {
    const [edge, subject] = [newPlayedEdge(), newPlayedEdge()];
    const copies: string[] = [];
    network.client.subscribe("copy.7", (message) =>
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
    for (let i = 0; i < 20; i += 1) network.client.publish(i % 2 === 0 ? "event.42" : "user.7", String(i));
    await waitFor("all", () => edge.copies.length >= 20 && copies.length >= 20);
    await network.client.request("graph.count.42", "", 2_000);
    assert.equal(edge.copies.length, 20);
    assert.deepEqual(
      copies,
      Array.from({ length: 20 }, (_, i) => String(i)),
    );
    edge.say({ type: "leaving" });
    subject.say({ type: "leaving" });
  });

  it("garbage on presence.* - is counted and has no effect", async () => {
    const edge = newPlayedEdge();
    edge.delta(1, 1, [["7", 0]]);
    await edge.until("acknowledge");
    const version = PRESENCE_VERSION;
    const beat = JSON.stringify({ version, type: "beat", mode: "x" });
    for (const garbage of [
      "",
      JSON.stringify({ version }),
      JSON.stringify({ version, type: "delta" }),
      "[1]",
      beat,
    ])
      network.client.publish(presenceSubject(edge.id), garbage);
    network.client.publish(presenceSubject("not-an-id"), JSON.stringify({ type: "leaving" }));
    const whole = {
      ...{ version: PRESENCE_VERSION, type: "delta", mode: "frames" },
      ...{ epoch: 1, sequence: 2, leaves: [], complete: true },
    };
    for (const joins of [[["9", 300_000_000]], [["9", -1]], [["9"]]])
      network.client.publish(presenceSubject(edge.id), JSON.stringify({ ...whole, joins }));
    // "all" would be the subject of all edges
    network.client.publish(
      presenceSubject("all"),
      JSON.stringify({ ...whole, sequence: 1, joins: [["7", 0]] }),
    );
    network.client.publish("event.42", "still");
    await waitFor("the event", () => edge.copies.length === 1);
    assert.equal(edge.copies[0], "frame still 0");
    edge.say({ type: "leaving" });
  });

  it("graph.online - lists the connected users whom a user follows", async () => {
    const edge = newPlayedEdge();
    edge.delta(1, 1, [["42", 0]]);
    await edge.until("acknowledge");
    await network.follow("7", "absent");
    const reply = await network.client.request("graph.online.7", "", 2_000);
    assert.deepEqual(reply.json(), { user: "7", online: ["42"], unknown: 0 });
    edge.say({ type: "leaving" });
  });
});
