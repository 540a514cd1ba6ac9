import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createLogger } from "../lib/log.ts";
import { realWith } from "../test/support/brokers.ts";
import { natsServers } from "../test/support/nats-servers.ts";
import { waitFor } from "../test/support/wait-for.ts";
import { BrokerClient } from "./client.ts";
import { parseTopic, type Topic } from "./names.ts";
import { partitionMappings, partitionOf } from "./partition.ts";
import { eventSubject, graphSubject, nameOfGraph, topicOfEvent } from "./subjects.ts";

const PARTITIONS = 16;
const log = createLogger("test", "silent");

/** 1,000 topics of 1 to 4 tokens, with every character and of every length that a token may have. */
function topics(): Topic[] {
  const letters = "ABCXYZabcxyz0123456789_-";
  return Array.from({ length: 1_000 }, (_, n) => {
    const tokens = Array.from({ length: 1 + (n % 4) }, (_, depth) => {
      const length = 1 + ((n * 7 + depth * 13) % 64);
      return Array.from(
        { length },
        (_, at) => letters[(n * 31 + depth * 17 + at * (n + 3)) % letters.length],
      ).join("");
    });
    return parseTopic(n < 100 ? String(n * n) : tokens.join("."));
  });
}

for (const installed of natsServers) {
  describe(`partitions of ${installed.name}`, { skip: installed.skip }, () => {
    it("1,000 topics - are in the partition that nats-server computes, as are requests about them, and deeper topics arrive to be refused", async () => {
      const server = await realWith({ server: installed, partitions: PARTITIONS }).start();
      const client = await BrokerClient.connect(
        { url: server.urls[0] ?? "" },
        { name: "test", log, wait: false },
      );
      const got: string[] = [];
      client.subscribe("part.>", ({ subject }) => got.push(subject));
      const all = topics();
      for (const topic of all) {
        client.publish(eventSubject(topic));
        client.publish(graphSubject("count", topic));
      }
      client.publish("event.a.b.c.d.e.f");
      client.publish("graph.count.a.b.c.d.e");
      await waitFor("everything that was published", () => got.length === 2 * all.length + 2);
      const used = new Set<number>();
      for (const [index, topic] of all.entries()) {
        const partition = partitionOf(topic, PARTITIONS);
        used.add(partition);
        const [event = "", question = ""] = got.slice(2 * index, 2 * index + 2);
        assert.equal(event, `part.${partition}.event.${topic}`);
        assert.equal(question, `part.${partition}.graph.count.${topic}`);
        assert.equal(topicOfEvent(event, PARTITIONS), topic);
        assert.equal(nameOfGraph("count", question, PARTITIONS), topic);
      }
      assert.equal(used.size, PARTITIONS, "every partition has topics");
      assert.throws(() => topicOfEvent(got.at(-2) ?? "", PARTITIONS), { code: "BAD_TOPIC" });
      assert.throws(() => nameOfGraph("count", got.at(-1) ?? "", PARTITIONS), { code: "BAD_TOPIC" });
      await client.close();
      await server.stop();
    });
  });
}

describe("partitions", () => {
  it("a topic of another partition - is refused with the missing mappings", () => {
    const wrong = (partitionOf(parseTopic("42"), PARTITIONS) + 1) % PARTITIONS;
    assert.throws(() => topicOfEvent(`part.${wrong}.event.42`, PARTITIONS), {
      code: "BAD_PARTITIONS",
      message: /encke broker --print-config --partitions 16/,
    });
  });

  it("numbers that cannot be mapped - are refused", () => {
    for (const of of [0, 1.5, 257]) assert.throws(() => partitionMappings(of), { code: "BAD_PARTITIONS" });
  });
});
