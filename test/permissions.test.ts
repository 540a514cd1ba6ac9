// The permissions that a deployment gives to producers, graph and edges: everything works with them, and
// nothing else is allowed. The lab tests the same on hosts; this suite is part of every test run.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { connect, headers, type JetStreamManager } from "nats";
import { capturedSubjects } from "../broker/contract.ts";
import { BrokerClient, serviceErrorOf } from "../broker/index.ts";
import { Partitions } from "../graph/index.ts";
import { createLogger } from "../lib/log.ts";
import { testFanout } from "./fanout.suite.ts";
import { type BrokerUnderTest, SHARES, type TestBroker, type TestUser, urlOf } from "./support/brokers.ts";
import { deployedOf } from "./support/deployed-broker.ts";
import { readMetric } from "./support/metrics.ts";
import { natsServers } from "./support/nats-servers.ts";
import { TestNetwork } from "./support/network.ts";

const PAST_THE_MAPPING = "reserved for nats-server's mappings of a partitioned graph";
/** A stream's limit, which events with long headers exceed. */
const MAX_STORED_BYTES = 1_000;
const BETWEEN_SERVICES = "between graph services";
const CHANGE_LOG = "the log of changes, which the graph service alone writes";
const STREAMS = "JetStream, where only the graph service manages streams";
const SYSTEM = "the servers' own account";

/** Subjects that no user but the graph may publish, whether or not the graph is divided. */
const STREAM_SUBJECTS: readonly (readonly [subject: string, what: string])[] = [
  ["part.0.changes", CHANGE_LOG],
  ["$JS.API.INFO", STREAMS],
  ["$JS.API.STREAM.DELETE.ENCKE_EVENTS", STREAMS],
  ["$JS.API.STREAM.MSG.GET.ENCKE_EVENTS", STREAMS],
  ["$JS.API.CONSUMER.CREATE.ENCKE_EVENTS.x", STREAMS],
  ["$JS.FC.ENCKE_EVENTS.x.y", STREAMS],
];
const FORBIDDEN_STREAMS = (["producer", "edge"] as const).flatMap((user) =>
  STREAM_SUBJECTS.map(([subject, what]) => [user, subject, what] as const),
);

for (const server of natsServers) {
  const deployed = deployedOf(server);
  const divided = deployedOf(server, SHARES);
  testFanout(deployed, ["frames", "subject"]);
  testFanout(divided, ["frames", "subject"], SHARES);
  testFanout(deployed, ["frames", "subject"], undefined, "jetstream");
  testFanout(divided, ["frames", "subject"], SHARES, "jetstream");
  testServices(deployed);
  // with stores of their own, because these suites create their streams
  testStreams(deployedOf(server));
  testStreams(deployedOf(server, SHARES), SHARES);
  testForbidden(deployed, [
    ["producer", "edge.1", "orders to an edge, which decide what users receive"],
    ["producer", "presence.1", "presence"],
    ["producer", "part.0.event.42", PAST_THE_MAPPING],
    ["edge", "edge.1", "orders to another edge"],
    ["edge", "user.7", "only for the graph and producers"],
    ["edge", "part.0.graph.subscribe.42", PAST_THE_MAPPING],
    ["graph", "presence.1", "presence"],
    ["graph", "$JS.API.STREAM.UPDATE.ENCKE_EVENTS", "changes of streams, which operators make"],
    ["graph", "$JS.API.STREAM.PURGE.ENCKE_EVENTS", "changes of streams, which operators make"],
    ["graph", "$SYS.REQ.SERVER.PING", SYSTEM],
    ...FORBIDDEN_STREAMS,
  ]);
  // nats-server checks permissions after mapping, so a user that may publish event.42 may also publish
  // part.3.event.42
  testForbidden(divided, [
    ["producer", "part.3.audit", BETWEEN_SERVICES],
    ["producer", "part.3.backup", BETWEEN_SERVICES],
    ["edge", "part.3.backup", BETWEEN_SERVICES],
    ["edge", "part.3.rows.subscriptions.7", BETWEEN_SERVICES],
    ["producer", "part.3.changes", CHANGE_LOG],
    ["edge", "part.3.changes", CHANGE_LOG],
    ...FORBIDDEN_STREAMS,
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

/** Durable intake with the permissions of a deployment. */
function testStreams(server: BrokerUnderTest, shares: readonly string[] = ["0/1"]): void {
  describe(`streams over ${server.name}`, { skip: server.skip, concurrency: 1 }, () => {
    const of = Partitions.parse(shares[0] as string).of;
    const names = of === 1 ? ["ENCKE_EVENTS"] : Array.from({ length: of }, (_, p) => `ENCKE_EVENTS_${p}`);
    let network: TestNetwork;
    before(async () => {
      network = await TestNetwork.start({ broker: server, shares: [], intake: { kind: "jetstream" } });
      await asGraph(async ({ streams }) => {
        for (const [partition, name] of names.entries())
          await streams.add({
            ...{ name, subjects: capturedSubjects(partition, of), no_ack: true },
            max_msg_size: MAX_STORED_BYTES,
          });
      });
      for (const share of shares) await network.startGraph(share);
      await network.follow("7", "42");
      await network.startEdge({ fanout: "frames" });
      await network.ready();
    });
    // current servers refuse such reply subjects themselves, and log it
    after(() =>
      network.stop().catch(({ message }: Error) => {
        for (const line of message.split("\n")) assert.match(line, /Violation - Reply "\$JS\.API\.STREAM/);
      }),
    );

    /** Manages streams as the graph's user. */
    const asGraph = async <T>(work: (manager: JetStreamManager) => Promise<T>): Promise<T> => {
      const { user = "", password: pass = "", ca: caFile = "" } = network.broker.login?.("graph") ?? {};
      const servers = urlOf(network.broker).replace("tls://", "");
      // the library compares the certificate with localhost, where a server is named by its address
      const tls = { caFile, ...{ checkServerIdentity: () => undefined } };
      const connection = await connect({ servers, user, pass, tls });
      try {
        return await work(await connection.jetstreamManager({ checkAPI: false }));
      } finally {
        await connection.close();
      }
    };
    const repaired = async (): Promise<number> => {
      const counts = network.graphs.map(({ metrics }) =>
        readMetric(metrics, "encke_graph_intake_repaired_total"),
      );
      return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
    };

    it("graph that was down - sends what was published meanwhile", async () => {
      const reader = await network.read("/stream?user=7");
      const graphs = [...network.graphs];
      for (const graph of graphs) await network.stopGraph(graph);
      network.client.publish("event.42", "stored");
      network.client.publish("user.7", "stored for 7");
      await network.client.flush();
      for (const { partitions, directory } of graphs) await network.startGraph(String(partitions), directory);
      await network.ready();
      await reader.untilEvents(2);
      assert.deepEqual(reader.events.map(({ data }) => data).sort(), ["stored", "stored for 7"]);
      reader.close();
    });

    it("event that the stream does not store - is published again by the graph, without the producer's headers", async () => {
      const reader = await network.read("/stream?user=7");
      const made = headers();
      made.set("Long", "x".repeat(MAX_STORED_BYTES));
      for (const subject of ["event.42", "user.7"])
        network.client.publish(subject, `again ${subject}`, { headers: made });
      await reader.untilEvents(2);
      assert.ok((await repaired()) >= 2);
      reader.close();
    });

    // nats-server 2.9 passes any reply subject on, and an error reply is a valid request to delete a stream
    it("reply subject of JetStream's API - is ignored, so that no producer can delete a stream through the graph", async () => {
      const refused = ["event.a.b.c.d.e", "event.42", "user.7", "graph.count.a.b.c.d.e"];
      for (const name of names)
        for (const subject of refused)
          network.client.publish(subject, "", { reply: `$JS.API.STREAM.DELETE.${name}` });
      await network.send("event.42", "after those");
      for (const name of names) await asGraph(({ streams }) => streams.info(name));
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
