import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { edgeSubject } from "../../broker/contract.ts";
import { BrokerClient } from "../../broker/index.ts";
import { createLogger } from "../../lib/log.ts";
import { brokers, urlOf } from "../../test/support/brokers.ts";
import { EdgeRegistry } from "../presence/edge-registry.ts";
import { EdgeRequests } from "../presence/edge-requests.ts";
import { Window } from "./window.ts";

const log = createLogger("test", "silent");

for (const broker of brokers) {
  describe(`window over ${broker.name}`, { skip: broker.skip }, () => {
    it("an edge that hangs - holds up the window after next, and is then ignored for a while", async () => {
      const server = await broker.start();
      const connect = (name: string): Promise<BrokerClient> =>
        BrokerClient.connect({ url: urlOf(server) }, { name, log, wait: false });
      const [client, edge] = [await connect("graph"), await connect("edge")];
      const waiting: (() => void)[] = [];
      edge.subscribe(edgeSubject("slow"), (message) => waiting.push(() => edge.respond(message)));
      await edge.flush();
      const registry = new EdgeRegistry(60_000);
      registry.add("slow", "subject", performance.now());
      const requests = new EdgeRequests(client, registry);
      const window = new Window({ client, registry, requests, distributor: { flush() {} } });

      assert.equal(window.advance({ messages: 1, bytes: 100 }), false);
      assert.equal(window.advance({ messages: 1_000, bytes: 65_536_000 }), true);
      await window.next();
      let second = false;
      const next = window.next().then(() => {
        second = true;
      });
      await client.flush();
      await edge.flush();
      assert.equal(second, false, "the edge has not handled the first window");
      for (const answer of waiting) answer();
      await next;
      await window.next();
      const startedAt = performance.now();
      await window.next();
      assert.ok(performance.now() - startedAt >= 500, "the window waits for the edge");
      assert.ok(window.laggards >= 1);
      for (let more = 0; more < 5; more += 1) await window.next();
      assert.ok(performance.now() - startedAt < 3_500, "later windows ignore the edge");

      requests.close();
      await client.close();
      await edge.close();
      await server.stop();
    });
  });
}
