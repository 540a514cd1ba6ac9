import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { edgeSubject } from "../../broker/contract.ts";
import { BrokerClient } from "../../broker/index.ts";
import { createLogger } from "../../lib/log.ts";
import { brokers, type TestBroker, urlOf } from "../../test/support/brokers.ts";
import { withStreams } from "../../test/support/jetstream.ts";
import { natsServer } from "../../test/support/nats-servers.ts";
import { Window } from "../fanout/window.ts";
import { EdgeRegistry } from "./edge-registry.ts";
import { EdgeRequests } from "./edge-requests.ts";
import { countDeliveries } from "./tally.ts";

const registry = (expiryMs = 5_000): EdgeRegistry => new EdgeRegistry({ expiryMs, onGone: () => {} });

describe("edges", () => {
  it("expiry - a silent edge is forgotten, a speaking one stays, a leaving one goes at once", () => {
    const gone: string[] = [];
    const edges = new EdgeRegistry({ expiryMs: 5_000, onGone: ({ id }) => gone.push(id) });
    edges.add("a", "subject", 0);
    edges.add("b", "subject", 4_000);
    edges.add("c", "subject", 4_000);
    edges.left("c");
    assert.deepEqual(edges.alive(5_000), ["a", "b"]);
    assert.deepEqual(edges.alive(5_001), ["b"]);
    assert.equal(edges.expired, 1);
    assert.deepEqual(gone, ["c", "a"]);
    assert.equal(edges.add("d", "frames", 6_000)?.slot, 0, "slots are used again");
  });

  it("bounded - invented edges do not fill the memory, known ones are still heard", () => {
    const edges = registry();
    for (let id = 0; id < 20_000; id += 1) edges.add(`e${id}`, "subject", 0);
    assert.equal(edges.size, 10_000);
    assert.equal(edges.add("new", "subject", 1), undefined);
  });
});

for (const broker of brokers) {
  describe(`asking edges over ${broker.name}`, { skip: broker.skip }, () => {
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

    it("a tally - sums parts and edges, counts a user on two of them once, and those that stay silent", async () => {
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
      const seen = await countDeliveries(requests, edges.alive(performance.now()), "e-1");
      assert.deepEqual(seen, { online: 3, delivered: 6, timedOut: 1 });
      assert.deepEqual(
        edges.alive(performance.now()),
        ["one", "two", "silent"],
        "nobody listens for `gone`: it is forgotten",
      );
      requests.close();
    });

    it("no edges - answered at once", async () => {
      const requests = new EdgeRequests(graph, registry());
      assert.deepEqual(await countDeliveries(requests, [], "e-1"), { online: 0, delivered: 0, timedOut: 0 });
      requests.close();
    });

    it("a window - runs no further ahead than two, and does not wait for ever for an edge that hangs", async () => {
      const waiting: (() => void)[] = [];
      edge.subscribe(edgeSubject("slow"), (message) => waiting.push(() => edge.respond(message)));
      await edge.flush();
      const edges = registry(60_000);
      edges.add("slow", "subject", performance.now());
      const requests = new EdgeRequests(graph, edges);
      const window = new Window(graph, edges, requests);
      assert.equal(window.advance({ messages: 1, bytes: 100 }), false);
      assert.equal(window.advance({ messages: 1_000, bytes: 65_536_000 }), true);
      await window.next();
      let second = false;
      const next = window.next().then(() => {
        second = true;
      });
      await graph.flush();
      await edge.flush();
      assert.equal(second, false, "the first window has not been handled");
      for (const answer of waiting) answer();
      await next;
      await window.next();
      const startedAt = performance.now();
      await window.next();
      assert.ok(performance.now() - startedAt >= 500, "an edge that hangs is waited for");
      assert.ok(window.laggards >= 1);
      for (let more = 0; more < 5; more += 1) await window.next();
      assert.ok(performance.now() - startedAt < 3_500, "and then not any more, for a while");
      requests.close();
    });
  });
}

const captured = withStreams(natsServer, { EDGES: ["edge.>"] });
describe(`asking edges over ${captured.name}`, { skip: captured.skip }, () => {
  it("a stream that captures the requests - is no edge that replied", async () => {
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
