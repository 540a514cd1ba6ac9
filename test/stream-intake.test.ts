// Durable intake: streams store events before the graph service does. On every installed nats-server, in both
// fan-out modes where they differ.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { connect, headers, type NatsConnection } from "nats";
import { parseEventId } from "../broker/contract.ts";
import { serviceErrorOf } from "../broker/index.ts";
import { urlOf } from "./support/brokers.ts";
import { type JetStreamBroker, manageStreams, withJetStream } from "./support/jetstream.ts";
import { readMetric } from "./support/metrics.ts";
import { natsServers } from "./support/nats-servers.ts";
import { TestNetwork } from "./support/network.ts";
import type { Reader } from "./support/reader.ts";
import { waitFor } from "./support/wait-for.ts";

const INTAKE = { kind: "jetstream" } as const;
const STREAM = "ENCKE_EVENTS";

interface Receipt {
  readonly id: string;
  readonly recipients: number;
  readonly delivered: number;
  readonly stream: string;
  readonly seq: number;
  readonly duplicate: boolean;
}

for (const server of natsServers) {
  const broker = withJetStream(server);
  describe(`streams as intake, ${broker.name}`, { skip: broker.skip, concurrency: 1 }, () => {
    let network: TestNetwork;
    let producer: NatsConnection;
    let reader: Reader;
    before(async () => {
      network = await TestNetwork.start({
        ...{ broker, fleet: ["frames", "subject"], intake: INTAKE, follows: [["7", "42"]] },
      });
      await network.ready();
      producer = await connect({ servers: urlOf(network.broker) });
    });
    after(async () => {
      await producer?.close();
      await network?.stop();
    });

    const url = (): string => urlOf(network.broker);
    const started = (): JetStreamBroker => network.broker as JetStreamBroker;
    const request = async (subject: string, payload: string, messageId?: string): Promise<Receipt> => {
      const made = headers();
      if (messageId !== undefined) made.set("Nats-Msg-Id", messageId);
      return (await producer.request(subject, payload, { timeout: 10_000, headers: made })).json();
    };
    /** Repeats a request as a producer does that wants exactly one event: with the same message id. */
    const requestUntilAnswered = async (payload: string): Promise<Receipt> => {
      for (;;) {
        const made = headers();
        made.set("Nats-Msg-Id", payload);
        const sent = producer.request("event.42", payload, { timeout: 500, headers: made });
        const reply = await sent.catch(() => undefined); // the connection was lost: repeated
        if (reply !== undefined) return reply.json();
      }
    };
    const counter = (name: string, labels = {}): Promise<number> => {
      const [graph] = network.graphs;
      assert.ok(graph !== undefined);
      return readMetric(graph.metrics, name, labels);
    };
    const cursor = (): string => reader.events.at(-1)?.cursor ?? "";
    const dataOf = (from: Reader): unknown[] => from.events.map(({ data }) => data);
    const stopGraph = async (): Promise<() => Promise<void>> => {
      const [graph] = network.graphs;
      assert.ok(graph !== undefined);
      await network.stopGraph(graph);
      return async () => {
        await network.startGraph(String(graph.partitions), graph.directory);
        await network.ready();
      };
    };

    it("counted event - is delivered in both modes, and its reply names the stream and the sequence", async () => {
      reader = await network.read("/stream?user=7");
      const other = await network.read("/stream?user=7", {}, 1);
      const { id, delivered, stream, seq, duplicate } = await request("event.42", "first");
      assert.deepEqual([delivered, stream, seq, duplicate], [2, STREAM, 1, false]);
      assert.equal(parseEventId(id)?.sequence, 1);
      for (const each of [reader, other]) {
        await each.untilEvents(1);
        assert.deepEqual(dataOf(each), ["first"]);
      }
      other.close();
    });

    it("a JetStream client's publish - accepts the reply as its acknowledgement", async () => {
      const stream = producer.jetstream();
      const first = await stream.publish("event.42", "published", { msgID: "js-1" });
      const again = await stream.publish("event.42", "published", { msgID: "js-1" });
      assert.deepEqual([first.stream, first.duplicate], [STREAM, false]);
      assert.deepEqual([again.seq, again.duplicate], [first.seq, true]);
    });

    it("message id - stores an event once, beyond the stream's own window too", async () => {
      await manageStreams(url(), ({ streams }) => streams.update(STREAM, { duplicate_window: 100_000_000 }));
      const first = await request("event.42", "once", "id-1");
      await waitFor("the stream to forget the id", async () => {
        const { seq } = await request("event.42", "once", "id-1");
        assert.equal(seq, first.seq);
        const { state } = await manageStreams(url(), ({ streams }) => streams.info(STREAM));
        return state.last_seq > first.seq;
      });
      await request("event.42", "after it");
      await reader.until(/after it/);
      assert.equal(dataOf(reader).filter((data) => data === "once").length, 1);
    });

    it("the same message id at once, with and without a reply - is delivered once, and every sender is answered", async () => {
      const replies = await Promise.all(
        Array.from({ length: 20 }, () => request("event.42", "together", "id-2")),
      );
      assert.deepEqual(new Set(replies.map(({ id }) => id)).size, 1);
      assert.equal(replies.filter(({ duplicate }) => !duplicate).length, 1);
      await request("event.42", "after those");
      await reader.until(/after those/);
      assert.equal(dataOf(reader).filter((data) => data === "together").length, 1);
    });

    const refused = ["Nats-Expected-Stream", "Nats-Rollup", "Nats-TTL", "Nats-Incr", "Nats-Batch-Id"];
    for (const name of refused)
      it(`${name} - is refused with 400 and never delivered`, async () => {
        const before = await counter("encke_graph_events_total", { result: "rejected" });
        const made = headers();
        made.set(name, STREAM);
        const reply = await producer.request("event.42", "refused", { timeout: 5_000, headers: made });
        assert.equal(serviceErrorOf(reply)?.code, 400);
        assert.match(serviceErrorOf(reply)?.message ?? "", new RegExp(`"${name}".*without it`));
        assert.equal(await counter("encke_graph_events_total", { result: "rejected" }), before + 1);
        await request("event.42", `after ${name}`);
        await reader.until(new RegExp(`after ${name}`));
        assert.ok(!dataOf(reader).includes("refused"));
      });

    it("malformed event - is refused, and the events after it keep their positions", async () => {
      const reply = await producer.request("event.a.b.c.d.e", "deep", { timeout: 5_000 });
      assert.equal(serviceErrorOf(reply)?.code, 400);
      const { id, seq } = await request("event.42", "after the malformed one");
      assert.equal(parseEventId(id)?.sequence, seq);
    });

    it("events while no graph service runs - are stored, and reach readers who stayed and who return", async () => {
      const last = cursor();
      const count = reader.events.length;
      const start = await stopGraph();
      for (let number = 0; number < 50; number += 1) producer.publish("event.42", `missed ${number}`);
      producer.publish("user.7", "direct");
      await producer.flush();
      await start();
      await reader.untilEvents(count + 51);
      const expected = [...Array.from({ length: 50 }, (_, number) => `missed ${number}`), "direct"];
      assert.deepEqual(dataOf(reader).slice(count), expected);
      const returning = await network.read(`/stream?user=7&last_event_id=${encodeURIComponent(last)}`);
      await returning.untilEvents(51);
      assert.deepEqual(dataOf(returning), expected);
      assert.ok(!reader.text.includes("resync") && !returning.text.includes("resync"));
      returning.close();
    });

    it("server that is killed and restarted - nothing that was answered is lost or doubled", async () => {
      const count = reader.events.length;
      await request("event.42", "before the kill");
      await started().restart();
      await waitFor("the graph service", () => network.graphs[0]?.service.notReady === undefined);
      await requestUntilAnswered("after the kill");
      await reader.until(/after the kill/);
      assert.deepEqual(dataOf(reader).slice(count), ["before the kill", "after the kill"]);
    });
    it("event that the stream does not store - is published again once the stream stores it", async () => {
      const limit = (bytes: number): Promise<unknown> =>
        manageStreams(url(), ({ streams }) => streams.update(STREAM, { max_msg_size: bytes }));
      await limit(100);
      const long = "x".repeat(500);
      producer.publish("event.42", `${long} plain`);
      const answered = request("event.42", `${long} counted`);
      await waitFor("a repair", async () => (await counter("encke_graph_intake_repaired_total")) >= 2);
      await limit(-1);
      assert.equal((await answered).delivered, 1);
      await reader.until(/x plain/);
      await request("event.42", "after the repairs");
      await reader.until(/after the repairs/);
      const repaired = dataOf(reader).filter((data) => String(data).startsWith(long));
      assert.equal(new Set(repaired).size, 2);
      assert.equal(repaired.length, 2);
    });

    it("messages that the stream no longer holds - are a hole, with the time of the last event before it", async () => {
      const last = cursor();
      const start = await stopGraph();
      for (let number = 0; number < 10; number += 1) producer.publish("event.42", `purged ${number}`);
      await producer.flush();
      await manageStreams(url(), ({ streams }) => streams.purge(STREAM));
      await start();
      await request("event.42", "after the hole");
      await reader.until(/after the hole/);
      assert.match(reader.text, /"late"/);
      assert.equal(await counter("encke_graph_intake_lost_total"), 10);
      const returning = await network.read(`/stream?user=7&last_event_id=${encodeURIComponent(last)}`);
      await returning.until(/after the hole/);
      assert.match(returning.text, /"late","since":/);
      returning.close();
    });

    it("stream that went back - continues in a new epoch, and what was read from the lost part stays", async () => {
      const count = reader.events.length;
      const start = await stopGraph();
      const copy = await started().copyStore();
      await start();
      const before = await requestUntilAnswered("lost by the server");
      const startAgain = await stopGraph();
      await started().restart(copy);
      await startAgain();
      const after = await requestUntilAnswered("after the loss");
      assert.equal(after.seq, before.seq);
      assert.ok((parseEventId(after.id)?.epoch ?? 0) > (parseEventId(before.id)?.epoch ?? 0));
      await reader.until(/after the loss/);
      assert.deepEqual(dataOf(reader).slice(count), ["lost by the server", "after the loss"]);
      assert.equal(new Set(reader.events.map(({ id }) => id)).size, reader.events.length);
    });

    it("stream that is gone - is reported with a remedy, and never created again", async () => {
      const start = await stopGraph();
      await manageStreams(url(), ({ streams }) => streams.delete(STREAM));
      await assert.rejects(start(), { code: "GRAPH_STREAMS_UNFIT", message: /is gone.*--intake core/ });
      const left = await manageStreams(url(), async ({ streams }) => streams.names().next());
      assert.deepEqual(left, ["ENCKE_CHANGES"]);
    });
  });
}
