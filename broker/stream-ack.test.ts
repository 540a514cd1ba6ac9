// Requests on subjects that a JetStream stream captures. Regression: they returned the stream's
// acknowledgement.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createLogger } from "../lib/log.ts";
import type { TestBroker } from "../test/support/brokers.ts";
import { withStreams } from "../test/support/jetstream.ts";
import { natsServers } from "../test/support/nats-servers.ts";
import { BrokerClient } from "./client.ts";
import { errorHeaders } from "./headers.ts";
import { serviceErrorOf } from "./message.ts";

const log = createLogger("test", "silent");

for (const server of natsServers) {
  const broker = withStreams(server, { KEPT: ["event.>", "user.>", "graph.>", "orders.>"] });
  describe(`requests on a stream's subjects, ${broker.name}`, { skip: broker.skip }, () => {
    let running: TestBroker;
    let client: BrokerClient;
    let service: BrokerClient;
    const open = (): Promise<BrokerClient> =>
      BrokerClient.connect({ url: running.urls[0] ?? "" }, { name: "test", log, wait: false });
    before(async () => {
      running = await broker.start();
      [client, service] = [await open(), await open()];
    });
    after(async () => {
      await client.close();
      await service.close();
      await running.stop();
    });

    it("the service's reply - is returned, however late, instead of the acknowledgement", async () => {
      const served = service.subscribe("event.42", (message) => {
        setTimeout(() => service.respond(message, '{"recipients":3}'), 50);
      });
      await service.flush();
      assert.equal((await client.request("event.42", "hi", 2_000)).string(), '{"recipients":3}');
      served.unsubscribe();
    });

    it("a service's reply that names its stream - is recognized as the service's", async () => {
      const reply = '{"recipients":3,"stream":"KEPT","seq":7}';
      const served = service.subscribe("event.42", (message) => service.respond(message, reply));
      await service.flush();
      assert.equal((await client.request("event.42", "hi", 2_000)).string(), reply);
      served.unsubscribe();
    });

    it("an error in headers - is a reply", async () => {
      const served = service.subscribe("graph.count.42", (message) => {
        setTimeout(() => service.respond(message, "", errorHeaders(503, "the graph is starting")), 50);
      });
      await service.flush();
      const reply = await client.request("graph.count.42", "", 2_000);
      assert.deepEqual(serviceErrorOf(reply), { code: 503, message: "the graph is starting" });
      served.unsubscribe();
    });

    it("no service - fails after the timeout, and the error says that only the stream replied", async () => {
      for (const subject of ["event.42", "user.7", "graph.count.42"]) {
        await assert.rejects(client.request(subject, "hi", 200), {
          code: "ONLY_STREAM_REPLIED",
          message: `only the JetStream stream "KEPT" replied on ${subject} within 200 ms, no service did: start the graph with \`encke graph serve\``,
        });
      }
    });

    it("a subject that is not Encke's - returns the stream's acknowledgement, as `nats request` does", async () => {
      const reply = (await client.request("orders.new", "x", 2_000)).json<{ stream: string }>();
      assert.equal(reply.stream, "KEPT");
    });
  });
}
