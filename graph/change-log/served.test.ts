// A graph service with a change log, as its clients see it.

import assert from "node:assert/strict";
import { join } from "node:path";
import { it } from "node:test";
import { graphSubject, parseTopic } from "../../broker/contract.ts";
import { BrokerClient, serviceErrorOf } from "../../broker/index.ts";
import { createLogger } from "../../lib/log.ts";
import { createMetrics } from "../../lib/metrics.ts";
import { urlOf } from "../../test/support/brokers.ts";
import { manageStreams, withJetStream } from "../../test/support/jetstream.ts";
import { natsServers } from "../../test/support/nats-servers.ts";
import { tempDir } from "../../test/support/temp-dir.ts";
import { Partitions } from "../partitions.ts";
import { GraphService, type GraphServiceOptions } from "../service.ts";

const log = createLogger("test", "silent");
const partitions = Partitions.parse("0-1/2");

for (const server of natsServers) {
  const broker = withJetStream(server, 2);
  it(`graph service with a change log - ${broker.name} - acknowledges what the log has, and says when it has none`, {
    skip: broker.skip,
  }, async () => {
    const started = await broker.start();
    const metrics = createMetrics();
    const nats = { url: urlOf(started) };
    const options: Omit<GraphServiceOptions, "metrics"> = {
      directory: join(tempDir(), "graph"),
      nats,
      partitions,
      log,
      intake: { kind: "jetstream" },
    };
    const service = new GraphService({ ...options, metrics });
    await service.start();
    const client = await BrokerClient.connect(nats, { name: "test", log, wait: true });
    const ask = (verb: "subscribe" | "count", topic: string, payload = "") =>
      client.request(graphSubject(verb, parseTopic(topic)), payload, 10_000);
    for (const topic of ["42", "43", "44"])
      assert.equal((await ask("subscribe", topic, "7")).json<{ changed: number }>().changed, 1);
    const lengths = await manageStreams(nats.url, async ({ streams }) => {
      const all = await streams.list().next();
      const found = all.filter(({ config }) => config.name.startsWith("ENCKE_CHANGES_"));
      return Object.fromEntries(found.map(({ config, state }) => [config.name, state.messages]));
    });
    assert.deepEqual(Object.keys(lengths).sort(), ["ENCKE_CHANGES_0", "ENCKE_CHANGES_1"]);
    assert.equal((lengths.ENCKE_CHANGES_0 ?? 0) + (lengths.ENCKE_CHANGES_1 ?? 0), 2 + 3, "two layouts");
    assert.match(await metrics.registry.metrics(), /encke_graph_log_records_total\{result="stored"\} 3/);

    for (const stream of Object.keys(lengths))
      await manageStreams(nats.url, ({ streams }) => streams.delete(stream));
    assert.deepEqual(serviceErrorOf(await ask("subscribe", "42", "8"))?.code, 503);
    assert.match(service.notReady ?? "", /^changes are refused: the change log ENCKE_CHANGES_\d/);
    assert.equal((await ask("count", "42")).json<{ count: number }>().count, 1, "reads continue");
    await service.stop();
    await assert.rejects(new GraphService({ ...options, metrics: createMetrics() }).start(), {
      code: "GRAPH_LOG_FOREIGN",
    });
    await client.close();
    await started.stop();
  });
}
