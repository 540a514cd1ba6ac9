// Encke on NATS servers whose max_payload is smaller than what it may have to send: what can be split is
// split, and an event that does not fit once encoded is refused, without an effect on readers. Regression:
// such an event threw in a timer and ended the graph, or made every reader look again; a long presence
// message was refused for ever.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { decodeNamed, encodeEvent, parseTopic } from "../broker/contract.ts";
import { type FanoutMode, serviceErrorOf } from "../broker/index.ts";
import { type BrokerUnderTest, embeddedWith, realWith, urlOf } from "./support/brokers.ts";
import { EnckeCommand } from "./support/command.ts";
import { natsServers } from "./support/nats-servers.ts";
import { type TestGraph, TestNetwork } from "./support/network.ts";
import type { Reader } from "./support/reader.ts";
import { tempDir } from "./support/temp-dir.ts";
import { waitFor } from "./support/wait-for.ts";

const MIN = 16_384;
/** Of a message beside the event's JSON (broker/limits.ts). */
const CARRIER_BYTES = 1_024;
const FANOUTS: readonly FanoutMode[] = ["subject", "frames"];

/** Payloads by name; JSON makes some of them six times as long. */
const PAYLOADS: Readonly<Record<string, Uint8Array<ArrayBuffer>>> = {
  "a word": bytes("hello"),
  "10,000 quotation marks": bytes('"'.repeat(10_000)),
  "40,000 quotation marks": bytes('"'.repeat(40_000)),
  "64 KiB of text": bytes("x".repeat(65_536)),
  "64 KiB of JSON": bytes(`[${"1,".repeat(32_766)}1]`),
  "64 KiB of control characters": bytes("\u0001".repeat(65_536)),
  "64 KiB that are not UTF-8": new Uint8Array(65_536).fill(0xff),
};

for (const fanout of FANOUTS) {
  for (const maxPayload of [MIN, 65_536, 409_600, 1_048_576]) {
    for (const server of natsServers) testEvents(realWith({ server, maxPayload }), maxPayload, fanout);
  }
  testEvents(embeddedWith(65_536), 65_536, fanout);
}

function testEvents(broker: BrokerUnderTest, maxPayload: number, fanout: FanoutMode): void {
  describe(`events over ${broker.name}, ${fanout} fan-out`, { skip: broker.skip }, () => {
    let network: TestNetwork;
    let reader: Reader;
    before(async () => {
      network = await TestNetwork.start({ broker, fleet: [fanout], follows: [["7", "42"]] });
      await network.ready();
      reader = await network.read("/stream?user=7");
    });
    after(() => network.stop());
    /** Every event that went out so far has arrived, and nothing else. */
    const expectEvents = async (expected: number): Promise<void> => {
      network.client.publish("event.42", "mark");
      await reader.untilEvents(expected + 1);
      assert.equal(reader.events.length, expected + 1);
      assert.doesNotMatch(reader.text, /"resync"/);
    };

    it("many events at once - arrive in frames that the server takes", async () => {
      const before = reader.events.length;
      for (let n = 0; n < 300; n += 1) network.client.publish("event.42", `${n} ${"x".repeat(1_000)}`);
      await reader.untilEvents(before + 300);
      await expectEvents(before + 300);
    });

    for (const [name, payload] of Object.entries(PAYLOADS)) {
      const encoded = encodeEvent("0-mx3v2vti-1", parseTopic("42"), new Date(0), payload).length;
      const fits = encoded <= maxPayload - CARRIER_BYTES;
      const isSent = payload.length <= maxPayload;

      it(`${name} - ${fits ? "arrive" : "are refused with both numbers, without an effect on readers"}`, async () => {
        const before = reader.events.length;
        const rejected = await countOf(network.graphs, "rejected");
        if (fits) {
          const reply = await network.client.request("event.42", payload, 5_000);
          assert.equal(reply.json<{ delivered: number }>().delivered, 1);
          network.client.publish("event.42", payload);
          network.client.publish("user.7", payload);
          await network.client.flush();
          await reader.untilEvents(before + 3);
          return expectEvents(before + 3);
        }
        const response = await fetch(network.url("/events/42"), { method: "POST", body: payload });
        assert.equal(response.status, 413);
        const { message } = (await response.json()) as { message: string };
        assert.match(message, new RegExp(`\\b${maxPayload}\\b`));
        if (isSent) {
          assert.match(message, /\b\d{5,6} bytes once encoded/);
          for (const subject of ["event.42", "user.7"]) {
            const problem = serviceErrorOf(await network.client.request(subject, payload, 5_000));
            assert.equal(problem?.code, 413, subject);
            network.client.publish(subject, payload);
          }
          await waitFor("the plain publish to be counted", async () => {
            const direct = fanout === "frames" ? 2 : 0; // with subscriptions of their own, the edges count them
            return (await countOf(network.graphs, "rejected")) === rejected + 3 + direct;
          });
        } else {
          await assert.rejects(network.client.request("event.42", payload, 5_000), {
            code: "PAYLOAD_TOO_LARGE",
          });
          assert.equal(network.client.publish("event.42", payload), "unfit");
        }
        await expectEvents(before);
        assert.equal(await countOf(network.graphs, "failed"), 0);
      });
    }
  });
}

/** With the longest ids: 1,500 of them are more than one message of 64 KiB. */
const USERS = Array.from({ length: 1_500 }, (_, n) => String(n).padEnd(64, "u"));
/** Users of one stream, at most. */
const PER_STREAM = 16;

for (const server of natsServers)
  for (const maxPayload of [MIN, 65_536])
    testLists(realWith({ server, maxPayload }), realWith({ server, maxPayload, partitions: 4 }), maxPayload);
testLists(embeddedWith(MIN), undefined, MIN);

function testLists(whole: BrokerUnderTest, divided: BrokerUnderTest | undefined, maxPayload: number): void {
  describe(`long lists over ${whole.name}`, { skip: whole.skip }, () => {
    let network: TestNetwork;
    let streams: Reader[] = [];
    before(async () => {
      network = await TestNetwork.start({ broker: whole, fleet: ["frames"] });
      await network.ready();
      await follow(network, USERS, ["star"]);
    });
    after(() => network.stop());
    afterEach(() => {
      for (const stream of streams) stream.close();
      streams = [];
    });

    it("pages - are as long as fits, and name every user once", async () => {
      const { names, longest } = await pagesOf(network, "subscribers", "star");
      assert.deepEqual(names.sort(), [...USERS].sort());
      assert.ok(longest <= maxPayload);
    });

    it("the audit - likewise, in order", async () => {
      const sequences: number[] = [];
      let after: number | undefined = 0;
      while (after !== undefined) {
        const reply = await network.client.request("graph.audit.star", JSON.stringify({ after }), 5_000);
        const page = reply.json<{ changes: { sequence: number }[]; next?: number }>();
        sequences.push(...page.changes.map(({ sequence }) => sequence));
        after = page.next;
      }
      assert.deepEqual(
        sequences,
        USERS.map((_, index) => index + 1),
      );
    });

    it("changes whose reply might not fit - are refused, and none is made", async () => {
      const subscribers = USERS.slice(0, Math.floor((maxPayload - 100) / 67));
      const payload = JSON.stringify(subscribers);
      assert.ok(payload.length <= maxPayload);
      const problem = serviceErrorOf(await network.client.request("graph.subscribe.other", payload, 5_000));
      assert.equal(problem?.code, 413);
      const { count } = (await network.client.request("graph.count.other", "", 5_000)).json<{
        count: number;
      }>();
      assert.equal(count, 0);
    });

    it("presence and counted events - reach 1,500 readers on one edge, also when all announce at once", async () => {
      const groups = Array.from({ length: Math.ceil(USERS.length / PER_STREAM) }, (_, n) =>
        USERS.slice(n * PER_STREAM, (n + 1) * PER_STREAM),
      );
      streams = await Promise.all(groups.map((users) => network.read(`/test/${users.join(",")}`)));
      // as long as an event may be: few recipients fit beside it
      const payload = "y".repeat(Math.min(65_536, maxPayload - CARRIER_BYTES - 200));
      const expectEveryUser = async (): Promise<void> => {
        const seen = await network.send("event.star", payload);
        assert.deepEqual(seen, {
          id: seen.id,
          recipients: 1_501,
          online: 1_500,
          delivered: streams.length,
          timedOut: 0,
        });
      };
      await expectEveryUser();
      await network.broker.stop();
      await waitFor("the loss to be noticed", () => !network.client.connected);
      await network.restartBroker(whole);
      await network.ready();
      await waitFor("all to be in step", () => streams.every(({ text }) => /nats-reconnected/.test(text)));
      await expectEveryUser();
      network.client.publish("event.star", "uncounted");
      await Promise.all(streams.map((stream) => stream.until(/'uncounted'\n/)));
      for (const { text } of streams) assert.equal(text.match(/uncounted/g)?.length, 1);
    });

    it("copies by name - reach an edge that is not in step, in as many messages as it takes", async () => {
      const named: string[] = [];
      const heard = network.client.subscribe("edge.late", ({ data }) => {
        const users = decodeNamed(data)?.users ?? [];
        assert.ok(data.length <= maxPayload);
        named.push(...users);
      });
      const beat = { type: "beat", mode: "frames", epoch: 1, sequence: 0 };
      network.client.publish("presence.late", JSON.stringify(beat));
      await network.client.flush();
      network.client.publish("event.star", "z".repeat(maxPayload / 2));
      await waitFor("every user to be named", () => named.length >= USERS.length + 1);
      assert.deepEqual(named.sort(), [...USERS, "star"].sort());
      network.client.publish("presence.late", JSON.stringify({ type: "leaving" }));
      heard.unsubscribe();
    });
  });

  if (divided === undefined) return;
  describe(`lists about a user over ${divided.name}`, { skip: divided.skip }, () => {
    let network: TestNetwork;
    const topics = USERS.slice(0, 1_000);
    before(async () => {
      network = await TestNetwork.start({ broker: divided, shares: ["0,2/4", "1/4", "3/4"], fleet: [] });
      await follow(network, ["7"], topics);
    });
    after(() => network.stop());

    it("gathered from all partitions - name everything once, and each page goes on where the one before ended", async () => {
      const { names, longest } = await pagesOf(network, "subscriptions", "7");
      assert.equal(names.length, topics.length);
      assert.deepEqual(names.sort(), [...topics].sort());
      assert.ok(longest <= maxPayload);
    });
  });
}

describe("commands on a server with a small max_payload", () => {
  let network: TestNetwork;
  before(async () => {
    network = await TestNetwork.start({ broker: embeddedWith(MIN), fleet: [] });
  });
  after(() => network.stop());
  const encke = (...args: string[]): Promise<EnckeCommand> =>
    EnckeCommand.run(args, { env: { NATS_URL: urlOf(network.broker) } });

  it("graph add --file - sends as many ids at once as fit", async () => {
    const file = join(tempDir(), "changes.txt");
    writeFileSync(file, USERS.map((user) => `${user} star\n`).join(""));
    const added = await encke("graph", "add", "--file", file);
    assert.deepEqual([added.exit, added.stdout], [0, "1500 added, 0 were so already\n"], added.stderr);
    const listed = await encke("graph", "subscribers", "star");
    assert.deepEqual(listed.stdout.trim().split("\n").sort(), [...USERS].sort());
  });

  it("pub and request - fail with both numbers where the message is too large", async () => {
    for (const command of ["pub", "request"]) {
      const sent = await encke(command, "event.42", "x".repeat(20_000));
      assert.equal(sent.exit, 1);
      assert.match(sent.stderr, /has 20000 bytes, and NATS' max_payload is 16384/);
    }
  });
});

describe("a server that takes too little", () => {
  const TINY = 8_192;

  it("below 16 KiB - graph and edge are not ready, give the reason, live on, and are ready on a larger one", async () => {
    const network = await TestNetwork.start({
      broker: embeddedWith(),
      fleet: ["subject", "frames"],
      follows: [["7", "42"]],
    });
    await network.ready();
    const why = `NATS takes at most ${TINY} bytes in a message, and ${MIN} are needed: raise max_payload`;
    const readiness = (): (string | undefined)[] =>
      [...network.edges, ...network.graphs.map(({ service }) => service)].map(({ notReady }) => notReady);
    await network.broker.stop();
    network.broker = await embeddedWith(TINY).start(network.broker.ports);
    await waitFor("that reason everywhere", () => readiness().every((reason) => reason === why));
    network.client.publish("event.42", "x".repeat(7_000));
    await network.client.flush();
    await network.broker.stop();
    await network.restartBroker(embeddedWith());
    await network.ready();
    assert.equal((await network.send("event.42", "well again")).recipients, 2);
    await network.stop();
  });

  it("a few hundred bytes - start graph and edge all the same", async () => {
    const broker = await embeddedWith(200).start();
    const network = await TestNetwork.start({
      broker: { ...embeddedWith(), start: async () => broker },
      shares: [],
      fleet: [],
    });
    const edge = await network.startEdge({ fanout: "frames" });
    assert.match(edge.notReady ?? "", /at most 200 bytes/);
    await network.stop();
  });
});

for (const server of natsServers) for (const fanout of FANOUTS) testRestart(server, fanout);

function testRestart(server: (typeof natsServers)[number], fanout: FanoutMode): void {
  const large = realWith({ server });
  const small = realWith({ server, maxPayload: 65_536 });
  describe(`a restart with a smaller max_payload, ${fanout} fan-out, ${server.name}`, {
    skip: server.skip,
  }, () => {
    it("under load - readers get a resync, miss nothing that is accepted afterwards, and no process ends", async () => {
      const network = await TestNetwork.start({
        broker: large,
        fleet: [fanout, fanout],
        follows: [
          ["7", "42"],
          ["9", "42"],
        ],
      });
      await network.ready();
      const readers = [
        await network.read("/stream?user=7", {}, 0),
        await network.read("/stream?user=9", {}, 1),
      ];
      const sizes = [10, 40_000, 64_000]; // of quotation marks: twice as much once encoded
      let sent = 0;
      const publish = (): void => {
        sent += 1;
        network.client.publish("event.42", `${sent} ${'"'.repeat(sizes[sent % sizes.length] ?? 0)}`);
      };
      const load = setInterval(publish, 2);
      await waitFor("some events", () => readers.every(({ events }) => events.length > 50));
      await network.broker.stop();
      await waitFor("the loss to be noticed", () => !network.client.connected);
      await network.restartBroker(small);
      await network.ready();
      for (const reader of readers) await reader.until(/"resync"/);
      const first = sent + 1;
      await waitFor("more events", () => sent > first + 300);
      clearInterval(load);
      network.client.publish("event.42", "the end");
      const numbers = Array.from({ length: sent - first + 1 }, (_, index) => first + index);
      const fitting = numbers.filter((n) => sizes[n % sizes.length] === 10);
      for (const reader of readers) {
        await reader.until(/"data":"the end"/);
        const got = reader.events.map(({ data }) => Number(/^\d+/.exec(String(data))?.[0] ?? 0));
        assert.deepEqual(
          got.filter((n) => n >= first),
          fitting,
        );
      }
      assert.ok((await countOf(network.graphs, "rejected")) >= numbers.length - fitting.length);
      await network.stop();
    });
  });
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** Lets each of them follow each topic, in as many requests as the server's max_payload asks for. */
async function follow(
  network: TestNetwork,
  users: readonly string[],
  topics: readonly string[],
): Promise<void> {
  const PER_REQUEST = 100;
  for (const topic of topics) {
    for (let from = 0; from < users.length; from += PER_REQUEST) {
      const payload = JSON.stringify(users.slice(from, from + PER_REQUEST));
      const reply = await network.client.request(`graph.subscribe.${topic}`, payload, 5_000);
      assert.equal(serviceErrorOf(reply), undefined);
    }
  }
}

async function pagesOf(
  network: TestNetwork,
  verb: "subscribers" | "subscriptions",
  name: string,
): Promise<{ names: string[]; longest: number }> {
  const names: string[] = [];
  let longest = 0;
  let after: string | undefined;
  do {
    const reply = await network.client.request(`graph.${verb}.${name}`, JSON.stringify({ after }), 5_000);
    assert.equal(serviceErrorOf(reply), undefined);
    const page = reply.json<{ next?: string } & Partial<Record<typeof verb, string[]>>>();
    names.push(...(page[verb] ?? []));
    longest = Math.max(longest, reply.data.length);
    after = page.next;
  } while (after !== undefined);
  return { names, longest };
}

/** Events of all graph services by what became of them. */
async function countOf(graphs: readonly TestGraph[], result: string): Promise<number> {
  let sum = 0;
  for (const { metrics } of graphs) {
    const events = await metrics.registry.getSingleMetric("encke_graph_events_total")?.get();
    sum += events?.values.find(({ labels }) => labels.result === result)?.value ?? 0;
  }
  return sum;
}
