// The permissions that a deployment gives producers, graph and edges: with them everything works, and nothing else may
// be said. (The lab runs the same on hosts; this runs in every test run.)

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { BrokerClient } from "../broker/index.ts";
import { createLogger } from "../lib/log.ts";
import { testFanout } from "./fanout.suite.ts";
import type { TestBroker } from "./support/brokers.ts";
import { deployed } from "./support/deployed-broker.ts";

testFanout(deployed, ["gateway", "subject"]);

describe("permissions of a deployment", { skip: deployed.skip }, () => {
  let broker: TestBroker;
  before(async () => {
    broker = await deployed.start();
  });
  after(() => assert.rejects(broker.stop(), /Violation/, "the server wrote down what was tried"));

  const forbidden = [
    ["producer", "edge.1", "orders to an edge: what another user gets"],
    ["producer", "presence.1", "who is connected"],
    ["producer", "part.0.event.42", "past the partitions' mapping"],
    ["edge", "edge.1", "orders to another edge"],
    ["edge", "user.7", "what only the graph and producers say"],
    ["edge", "part.0.graph.subscribe.42", "past the partitions' mapping"],
    ["graph", "event.42", "events of its own"],
    ["graph", "presence.1", "who is connected"],
  ] as const;
  for (const [user, subject, what] of forbidden) {
    it(`${user} says ${subject} - refused: ${what}`, async () => {
      const refused: string[] = [];
      const log = createLogger("test", "silent");
      log.warn = (fields: { reason?: string }) => void refused.push(fields.reason ?? "");
      const config = { url: broker.urls[0] ?? "", ...broker.login?.(user) };
      const client = await BrokerClient.connect(config, { name: "test", log, wait: false });
      client.publish(subject, "x");
      await client.close();
      assert.deepEqual(refused, ["PERMISSIONS_VIOLATION"]);
    });
  }
});
