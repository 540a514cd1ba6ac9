import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { edgeSubject } from "../../broker/contract.ts";
import { BrokerClient } from "../../broker/index.ts";
import { createLogger } from "../../lib/log.ts";
import { brokers, type TestBroker, urlOf } from "../../test/support/brokers.ts";
import { withStreams } from "../../test/support/jetstream.ts";
import { natsServer } from "../../test/support/nats-servers.ts";
import { EdgeRegistry } from "./edge-registry.ts";
import { EdgeRequests } from "./edge-requests.ts";
import { countDeliveries } from "./tally.ts";

const registry = (): EdgeRegistry => new EdgeRegistry(5_000);

for (const broker of brokers) {
  describe(`edge requests over ${broker.name}`, { skip: broker.skip }, () => {
    let server: TestBroker;
    let graph: BrokerClient;
    let edge: BrokerClient;
    const log = createLogger("test", "silent");

    before(async () => {
      server = await broker.start();
      graph = await BrokerClient.connect({ url: urlOf(server) }, { name: "graph", log, wait: false });
      edge = await BrokerClient.connect({ url: urlOf(server) }, { name: "edge", log, wait: false });
    });
    after(async () => {
      await graph.close();
      await edge.close();
      await server.stop();
    });

    it("a tally - adds up parts and edges, counts a user at two edges once, and reports silent edges", async () => {
      const answers: Record<string, object[]> = {
        one: [
          { online: ["7", "8"], delivered: 0, last: false },
          { online: ["9"], delivered: 4, last: true },
        ],
        two: [{ online: ["7"], delivered: 2, last: true }],
        silent: [],
      };
      for (const [id, parts] of Object.entries(answers)) {
        edge.subscribe(edgeSubject(id), (message) => {
          for (const part of parts) edge.respond(message, JSON.stringify(part));
        });
      }
      await edge.flush();
      const edges = registry();
      for (const id of [...Object.keys(answers), "gone"]) edges.add(id, "subject", performance.now());
      const requests = new EdgeRequests(graph, edges);
      // a first reply on a busy machine may take longer than a tally waits
      await requests.ask(["one"], { type: "mark" }, 10_000, () => true);
      const seen = await countDeliveries(requests, edges.alive(performance.now()), "e-1");
      assert.deepEqual(seen, { online: 3, delivered: 6, timedOut: 1 });
      assert.deepEqual(
        edges.alive(performance.now()),
        ["one", "two", "silent"],
        "no process is subscribed for `gone`, so it is removed",
      );
      requests.close();
    });

    it("no edges - resolves at once", async () => {
      const requests = new EdgeRequests(graph, registry());
      assert.deepEqual(await countDeliveries(requests, [], "e-1"), { online: 0, delivered: 0, timedOut: 0 });
      requests.close();
    });
  });
}

const captured = withStreams(natsServer, { EDGES: ["edge.>"] });
describe(`edge requests over ${captured.name}`, { skip: captured.skip }, () => {
  it("a stream that captures the requests - does not count as a reply", async () => {
    const server = await captured.start();
    const log = createLogger("test", "silent");
    const graph = await BrokerClient.connect({ url: urlOf(server) }, { name: "graph", log, wait: false });
    const edges = registry();
    edges.add("silent", "frames", performance.now());
    const requests = new EdgeRequests(graph, edges);
    try {
      const missing = await requests.ask(["silent"], { type: "mark" }, 300, () => true);
      assert.deepEqual([...missing], ["silent"]);
    } finally {
      requests.close();
      await graph.close();
      await server.stop();
    }
  });
});
