// Encke beside JetStream: streams that capture its subjects change no reply and no delivery.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { urlOf } from "./support/brokers.ts";
import { EnckeCommand } from "./support/command.ts";
import { withStreams } from "./support/jetstream.ts";
import { natsServers } from "./support/nats-servers.ts";
import { TestNetwork } from "./support/network.ts";

for (const server of natsServers) {
  const broker = withStreams(server, {
    EVENTS: ["event.>"],
    OTHERS: ["user.>", "graph.>", "edge.>", "presence.>"],
  });
  for (const fanout of ["subject", "frames"] as const) {
    describe(`streams on Encke's subjects, ${fanout} fan-out, ${broker.name}`, { skip: broker.skip }, () => {
      let network: TestNetwork;
      before(async () => {
        network = await TestNetwork.start({ broker, fleet: [fanout], follows: [["7", "42"]] });
        await network.ready();
      });
      after(() => network.stop());
      const encke = (...args: string[]): Promise<EnckeCommand> =>
        EnckeCommand.run(args, { env: { NATS_URL: urlOf(network.broker) } });

      it("POST /events - returns the delivery counts, not the stream's acknowledgement", async () => {
        const reader = await network.read("/stream?user=7");
        const response = await fetch(network.url("/events/42"), { method: "POST", body: "hello" });
        const { recipients, online, delivered, timedOut } = (await response.json()) as Record<string, number>;
        assert.deepEqual([response.status, recipients, online, delivered, timedOut], [200, 2, 1, 1, 0]);
        await reader.untilEvents(1);
        assert.equal(reader.events[0]?.data, "hello");
        reader.close();
      });

      it("encke request - prints the delivery counts, and the graph's replies arrive as well", async () => {
        const sent = await encke("request", "event.42", "hi");
        assert.deepEqual([sent.exit, JSON.parse(sent.stdout).recipients], [0, 2], sent.stderr);
        const asked = await encke("graph", "subscribers", "42");
        assert.deepEqual([asked.exit, asked.stdout], [0, "7\n"], asked.stderr);
      });

      it("a graph that starts on such subjects - detects that it owns them", async () => {
        await network.restartGraphs();
        await network.ready();
        assert.equal((await network.send("event.42", "again")).recipients, 2);
      });

      it("no graph - encke request and POST /events report that only the stream replied", async () => {
        for (const graph of [...network.graphs]) await network.stopGraph(graph);
        const sent = await encke("request", "event.42", "hi", "--timeout", "300ms");
        assert.equal(sent.exit, 1);
        assert.match(sent.stderr, /only the JetStream stream "EVENTS" replied on event\.42 within 300 ms/);
        const response = await fetch(network.url("/events/42"), { method: "POST", body: "hello" });
        const body = (await response.json()) as { error: string; message: string };
        assert.deepEqual([response.status, body.error], [503, "ONLY_STREAM_REPLIED"]);
      });
    });
  }
}
