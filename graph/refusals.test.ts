// The graph service while NATS denies it a subscription: a real nats-server, whose permissions are changed by
// a reload, as an operator would. Regression: the service remained ready and replied to no request.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { pino } from "pino";
import { BrokerClient } from "../broker/index.ts";
import { createLogger } from "../lib/log.ts";
import { createMetrics } from "../lib/metrics.ts";
import { NatsProcess } from "../test/support/nats-process.ts";
import { natsServers } from "../test/support/nats-servers.ts";
import { tempDir } from "../test/support/temp-dir.ts";
import { waitFor } from "../test/support/wait-for.ts";
import { GraphService } from "./service.ts";

const ALL = ["event.>", "user.*", "graph.>", "part.>", "presence.*", "$SRV.>", "_INBOX.>"];

/** Permits exactly these subscriptions to the graph. */
const configOf = (subscribe: readonly string[]): string => `authorization { users: [
  { user: graph, password: g, permissions: { publish: ">", subscribe: { allow: ${JSON.stringify(subscribe)} } } }
  { user: other, password: o }
] }
`;

for (const installed of natsServers) {
  describe(`graph service - refused by ${installed.name}`, { skip: installed.skip }, () => {
    const lines: string[] = [];
    const log = pino({ level: "warn" }, { write: (line: string) => lines.push(line) });
    let server: NatsProcess;
    let service: GraphService;
    let other: BrokerClient;

    const allow = (subscribe: readonly string[]): Promise<void> => server.reload(configOf(subscribe));
    const count = (): Promise<unknown> =>
      other.request("graph.count.42", "", 500).then((reply) => reply.json());

    before(async () => {
      server = await NatsProcess.start(installed, configOf(ALL.filter((subject) => subject !== "event.>")));
      const { url } = server;
      const quiet = createLogger("test", "silent");
      other = await BrokerClient.connect(
        { url, user: "other", password: "o" },
        { name: "test", log: quiet, wait: true },
      );
      service = new GraphService({
        directory: tempDir(),
        nats: { url, user: "graph", password: "g" },
        log,
        metrics: createMetrics(),
      });
      await service.start();
    });
    after(async () => {
      await service.stop();
      await other.close();
      await server.stop();
    });

    it("events denied at the start - the service is not ready and names the subject, and accepts events once permitted", async () => {
      assert.equal(service.notReady, 'NATS denies the subscription "event.>": permit it');
      assert.ok(lines.some((line) => /"subject":"event\.>".*"subscription refused"/.test(line)));
      await allow(ALL);
      await waitFor("the graph to be ready", () => service.notReady === undefined);
      const got: string[] = [];
      other.subscribe("copy.42", (message) => got.push(message.string()));
      await other.flush();
      const answer = (await other.request("event.42", "hello", 2_000)).json<{ recipients: number }>();
      assert.equal(answer.recipients, 1);
      await waitFor("the event", () => got.length === 1);
    });

    it("requests denied while it serves - it is not ready until they are permitted again", async () => {
      assert.deepEqual(await count(), { topic: "42", count: 0 });
      await allow(ALL.filter((subject) => subject !== "graph.>"));
      await waitFor("the graph to notice", () =>
        /NATS denies the subscription "graph\./.test(service.notReady ?? ""),
      );
      await assert.rejects(count());
      await allow(ALL);
      await waitFor("the graph to be ready", () => service.notReady === undefined);
      assert.deepEqual(await count(), { topic: "42", count: 0 });
      const services: string[] = [];
      other.subscribe("answers", (message) => services.push(message.string()));
      other.publish("$SRV.PING.encke-graph", "", { reply: "answers" });
      await waitFor("the service to be found", () => services.length > 0);
      assert.equal(services.length, 1, "the service of before has ended");
    });
  });
}
