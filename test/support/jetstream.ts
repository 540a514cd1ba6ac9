// nats-servers with JetStream: with streams of their own, as producers configure them to store events, or
// without any. Each stores in a folder that lasts as long as the test, so that it can be restarted.

import { cpSync } from "node:fs";
import { join } from "node:path";
import { connect, type JetStreamManager } from "nats";
import { partitionMappings } from "../../broker/contract.ts";
import type { BrokerUnderTest, TestBroker } from "./brokers.ts";
import { NatsProcess } from "./nats-process.ts";
import type { InstalledServer } from "./nats-servers.ts";
import { tempDir } from "./temp-dir.ts";

export interface JetStreamBroker extends TestBroker {
  /** Kills the server and starts it again on the same port, with its store or with a copy of it. */
  restart(store?: string): Promise<void>;
  /** Stops the server, copies its store, starts it again, and returns the path of the copy. */
  copyStore(): Promise<string>;
}

export interface JetStreamBrokerUnderTest extends BrokerUnderTest {
  start(ports?: readonly number[]): Promise<JetStreamBroker>;
}

/**
 * Returns a nats-server with JetStream.
 * @param partitions the number of partitions into which its mappings divide the topics
 * @param settings further lines of its configuration
 */
export function withJetStream(
  server: InstalledServer,
  partitions = 1,
  settings = "",
): JetStreamBrokerUnderTest {
  return {
    name: `${server.name} with JetStream${partitions === 1 ? "" : `, ${partitions} partitions`}`,
    skip: server.skip,
    async start([port] = []) {
      const configOf = (store: string): string =>
        `jetstream { store_dir: ${JSON.stringify(store)} }\n${partitionMappings(partitions)}${settings}`;
      let store = join(tempDir(), "jetstream");
      let running = await NatsProcess.start(server, configOf(store), port);
      const restart = async (from = store): Promise<void> => {
        await running.stop();
        store = from;
        running = await NatsProcess.start(server, configOf(store), running.port);
      };
      return {
        urls: [running.url],
        ports: [running.port],
        stop: () => running.stop(),
        restart,
        async copyStore() {
          await running.stop();
          const copy = join(tempDir(), "jetstream");
          cpSync(store, copy, { recursive: true });
          await restart();
          return copy;
        },
      };
    },
  };
}

/** Runs a function with a manager of the streams of a server. */
export async function manageStreams<T>(
  url: string,
  work: (manager: JetStreamManager) => Promise<T>,
): Promise<T> {
  const connection = await connect({ servers: url });
  try {
    return await work(await connection.jetstreamManager());
  } finally {
    await connection.close();
  }
}

/**
 * Returns a nats-server with these streams.
 * @param streams subjects by stream name; each stream acknowledges what it stores
 */
export function withStreams(
  server: InstalledServer,
  streams: Readonly<Record<string, readonly string[]>>,
): BrokerUnderTest {
  const broker = withJetStream(server);
  return {
    ...broker,
    async start(ports) {
      const started = await broker.start(ports);
      await manageStreams(started.urls[0] as string, async (manager) => {
        for (const [name, subjects] of Object.entries(streams))
          await manager.streams.add({ name, subjects: [...subjects] });
      });
      return started;
    },
  };
}
