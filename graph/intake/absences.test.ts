import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { BrokerClient } from "../../broker/index.ts";
import { createLogger } from "../../lib/log.ts";
import { embedded, type TestBroker } from "../../test/support/brokers.ts";
import { LossyProxy } from "../../test/support/lossy-proxy.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { Absences } from "./absences.ts";

describe("absences of the graph service", () => {
  let broker: TestBroker;
  let proxy: LossyProxy;
  let client: BrokerClient;
  let noted: [partition: number, sinceMs: number][];
  let unprovenMs: number;

  beforeEach(async () => {
    broker = await embedded.start();
    proxy = await LossyProxy.start(broker.ports[0] ?? 0);
    client = await BrokerClient.connect(
      { url: proxy.url },
      { name: "graph", log: createLogger("test", "silent"), wait: true, isReceiver: true },
    );
    noted = [];
    unprovenMs = 0;
    new Absences({
      ...{ client, partitions: [2, 5], listenedMs: () => 1_000, unprovenMs: () => unprovenMs },
      losses: { note: (partition, sinceMs) => noted.push([partition, sinceMs]) },
    });
  });
  afterEach(async () => {
    await client.close();
    proxy.stop();
    await broker.stop();
  });

  const reconnected = (): Promise<void> =>
    waitFor("the reconnect", () => client.connected && client.reconnects > 0);

  it("connection lost while the server ran on - may have lost events in every partition", async () => {
    proxy.cut();
    await reconnected();
    assert.deepEqual(noted, [
      [2, 1_000],
      [5, 1_000],
    ]);
  });

  it("only server restarted - has lost none, because producers had no connection either", async () => {
    await broker.stop();
    broker = await embedded.start(broker.ports);
    await reconnected();
    assert.deepEqual(noted, []);
  });

  it("only server restarted while the service was stopped - may have lost events of producers that came first", async () => {
    unprovenMs = 60_000; // it has noticed nothing before it ran again
    await broker.stop();
    broker = await embedded.start(broker.ports);
    await reconnected();
    assert.equal(noted.length, 2);
  });
});
