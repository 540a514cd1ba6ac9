// The permissions that a deployment gives to producers, graph and edges: everything works with them, and
// nothing else is allowed. The lab tests the same on hosts; this suite is part of every test run.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { BrokerClient, serviceErrorOf } from "../broker/index.ts";
import { createLogger } from "../lib/log.ts";
import { testFanout } from "./fanout.suite.ts";
import { type BrokerUnderTest, SHARES, type TestBroker, type TestUser, urlOf } from "./support/brokers.ts";
import { deployedOf } from "./support/deployed-broker.ts";
import { natsServers } from "./support/nats-servers.ts";
import { TestNetwork } from "./support/network.ts";

const PAST_THE_MAPPING = "reserved for nats-server's mappings of a partitioned graph";
const BETWEEN_SERVICES = "between graph services";

for (const server of natsServers) {
  const deployed = deployedOf(server);
  const divided = deployedOf(server, SHARES);
  testFanout(deployed, ["frames", "subject"]);
  testFanout(divided, ["frames", "subject"], SHARES);
  testServices(deployed);
  testForbidden(deployed, [
    ["producer", "edge.1", "orders to an edge, which decide what users receive"],
    ["producer", "presence.1", "presence"],
    ["producer", "part.0.event.42", PAST_THE_MAPPING],
    ["edge", "edge.1", "orders to another edge"],
    ["edge", "user.7", "only for the graph and producers"],
    ["edge", "part.0.graph.subscribe.42", PAST_THE_MAPPING],
    ["graph", "event.42", "events of its own"],
    ["graph", "presence.1", "presence"],
  ]);
  // nats-server checks permissions after mapping, so a user that may publish event.42 may also publish
  // part.3.event.42
  testForbidden(divided, [
    ["producer", "part.3.audit", BETWEEN_SERVICES],
    ["producer", "part.3.backup", BETWEEN_SERVICES],
    ["edge", "part.3.backup", BETWEEN_SERVICES],
    ["edge", "part.3.rows.subscriptions.7", BETWEEN_SERVICES],
  ]);
}

function testServices(server: BrokerUnderTest): void {
  describe(`micro services over ${server.name}`, { skip: server.skip }, () => {
    let network: TestNetwork;
    before(async () => {
      network = await TestNetwork.start({ broker: server, fleet: ["frames"] });
    });
    after(() => network.stop());

    for (const subject of ["$SRV.STATS.encke-graph", "$SRV.STATS.encke-edge", "edge.status"])
      it(`producer requests ${subject} - receives the reply of the service`, async () => {
        assert.equal(serviceErrorOf(await network.client.request(subject, "", 2_000)), undefined);
      });
  });
}

function testForbidden(
  server: BrokerUnderTest,
  forbidden: readonly (readonly [user: TestUser, subject: string, what: string])[],
): void {
  describe(`permissions over ${server.name}`, { skip: server.skip }, () => {
    let broker: TestBroker;
    before(async () => {
      broker = await server.start();
    });
    after(() => assert.rejects(broker.stop(), /Violation/, "the server logs each violation"));

    for (const [user, subject, what] of forbidden) {
      it(`${user} publishes ${subject} - is refused: ${what}`, async () => {
        const refused: string[] = [];
        const log = createLogger("test", "silent");
        log.warn = (fields: { reason?: string }) => void refused.push(fields.reason ?? "");
        const config = { url: urlOf(broker), ...broker.login?.(user) };
        const client = await BrokerClient.connect(config, { name: "test", log, wait: false });
        client.publish(subject, "x");
        await client.close();
        assert.deepEqual(refused, ["PERMISSIONS_VIOLATION"]);
      });
    }
  });
}
