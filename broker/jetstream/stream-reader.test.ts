// Runs on every installed nats-server with JetStream.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createLogger } from "../../lib/log.ts";
import { urlOf } from "../../test/support/brokers.ts";
import { type JetStreamBroker, manageStreams, withJetStream } from "../../test/support/jetstream.ts";
import { natsServers } from "../../test/support/nats-servers.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { BrokerClient } from "../client.ts";
import type { StreamConfig } from "./stream-config.ts";
import { differencesOf } from "./stream-config.ts";
import { StreamReader } from "./stream-reader.ts";

const log = createLogger("test", "silent");
const CONFIG: StreamConfig = {
  ...{ name: "TEST", subjects: ["test.>"], replicas: 1, maxBytes: 10_000_000, maxAgeMs: 3_600_000 },
  ...{ duplicateWindowMs: 60_000, acknowledges: false, canDelete: true },
};

/** More messages of 1,000 bytes than the server sends without a reply for flow control. */
const MANY = 9_000;

for (const server of natsServers) {
  const broker = withJetStream(server);
  describe(`a stream's reader - ${broker.name}`, { skip: broker.skip, concurrency: 1 }, () => {
    let started: JetStreamBroker;
    let client: BrokerClient;
    const connect = (): Promise<BrokerClient> =>
      BrokerClient.connect({ url: urlOf(started) }, { name: "test", log, wait: true });
    before(async () => {
      started = await broker.start();
      client = await connect();
    });
    after(async () => {
      await client.close();
      await started.stop();
    });

    /** Creates the stream again and a reader that records what it reads. */
    async function makeReader(from = 1): Promise<{ reader: StreamReader; read: string[]; seen: number[] }> {
      if ((await client.jetStream.find(CONFIG.name)) !== undefined)
        await client.jetStream.delete(CONFIG.name);
      await client.jetStream.create(CONFIG);
      const read: string[] = [];
      const seen: number[] = [];
      const reader = new StreamReader({
        ...{ client, stream: CONFIG.name, log },
        from: async () => (seen.at(-1) ?? from - 1) + 1,
        onMessage: ({ sequence, data }) => {
          seen.push(sequence);
          read.push(new TextDecoder().decode(data));
        },
      });
      return { reader, read, seen };
    }
    const publish = (from: number, to: number): void => {
      for (let number = from; number <= to; number += 1) client.publish("test.a", String(number));
    };
    const numbers = (from: number, to: number): string[] =>
      Array.from({ length: to - from + 1 }, (_, index) => String(from + index));

    it("configuration - comes back as it was asked for", async () => {
      const { reader } = await makeReader();
      const found = await client.jetStream.find(CONFIG.name);
      assert.deepEqual(differencesOf(CONFIG, found?.config ?? {}), []);
      assert.deepEqual(
        differencesOf({ ...CONFIG, maxAgeMs: 1_000 }, found?.config ?? {}).map(({ field }) => field),
        ["max_age"],
      );
      await reader.stop();
    });

    it("start - resolves when everything stored was read, and later messages follow", async () => {
      const { reader, read } = await makeReader();
      publish(1, 5_000);
      await client.flush();
      await waitFor(
        "the stream to store them",
        async () => (await client.jetStream.find("TEST"))?.last === 5_000,
      );
      await reader.start();
      assert.deepEqual(read, numbers(1, 5_000));
      publish(5_001, 5_100);
      await waitFor("the rest", () => read.length === 5_100);
      assert.deepEqual(read, numbers(1, 5_100));
      await reader.stop();
    });

    it("consumer deleted by others - is replaced, and no message is missing or doubled", async () => {
      const { reader, read } = await makeReader();
      await reader.start();
      await manageStreams(urlOf(started), async ({ consumers }) => {
        for (const { name } of await consumers.list("TEST").next()) await consumers.delete("TEST", name);
      });
      publish(1, 100);
      await waitFor("all messages", () => read.length === 100);
      assert.deepEqual([read, reader.restarts], [numbers(1, 100), 1]);
      await reader.stop();
    });

    it("server that restarts - the reader continues where it stopped", async () => {
      const { reader, read } = await makeReader();
      await reader.start();
      publish(1, 10);
      await waitFor("the first messages", () => read.length === 10);
      await started.restart();
      await waitFor("the connection", () => client.connected);
      publish(11, 20);
      await waitFor("the rest", () => read.length === 20);
      assert.deepEqual(read, numbers(1, 20));
      await reader.stop();
    });

    it("messages that the stream no longer holds - are left out", async () => {
      const { reader, read, seen } = await makeReader();
      publish(1, 10);
      await client.flush();
      await manageStreams(urlOf(started), ({ streams }) => streams.purge("TEST", { seq: 8 }));
      await reader.start();
      assert.deepEqual([read, seen], [numbers(8, 10), [8, 9, 10]]);
      await reader.stop();
    });

    it("paused reader - receives no more until it is released, and then everything", async () => {
      const { reader: unused } = await makeReader();
      await unused.stop();
      let release = (): void => {};
      const pause = new Promise<void>((resolve) => {
        release = resolve;
      });
      let read = 0;
      let asked = 0;
      const reader = new StreamReader({
        ...{ client, stream: CONFIG.name, log },
        from: async () => read + 1,
        onMessage: () => {
          read += 1;
        },
        paused: () => {
          asked += 1;
          return pause;
        },
      });
      await reader.start();
      const payload = new Uint8Array(1_000);
      for (let count = 0; count < MANY; count += 1) client.publish("test.b", payload);
      await waitFor("a heartbeat that repeats the request", () => asked > 1);
      assert.ok(read < MANY, `read ${read}`);
      release();
      await waitFor("the rest", () => read === MANY);
      await reader.stop();
    });
  });
}
