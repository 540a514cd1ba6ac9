// A store that makes its changes through change logs in JetStream, with a connection of its own, as a graph
// service has it. Owned by the test, which closes it.

import { BrokerClient } from "../../broker/index.ts";
import { GraphStore, jetStreamLogs, type PartitionLog, Partitions } from "../../graph/index.ts";
import { createLogger } from "../../lib/log.ts";

export interface LoggedStoreOptions {
  readonly directory: string;
  readonly url: string;
  readonly partitions?: Partitions;
  readonly replicas?: number;
  /** Replaces each log. */
  readonly wrap?: (log: PartitionLog) => PartitionLog;
  readonly signal?: AbortSignal;
}

export class LoggedStore {
  readonly store: GraphStore;
  readonly client: BrokerClient;

  private constructor(store: GraphStore, client: BrokerClient) {
    this.store = store;
    this.client = client;
  }

  /** @throws as GraphStore.open and GraphStore.follow, after which nothing is open */
  static async open(options: LoggedStoreOptions): Promise<LoggedStore> {
    const { directory, url, partitions = Partitions.whole, replicas = 1 } = options;
    const { wrap = (log: PartitionLog) => log, signal } = options;
    const log = createLogger("test", "silent");
    const client = await BrokerClient.connect({ url }, { name: "test graph", log, wait: true });
    let store: GraphStore | undefined;
    try {
      store = await GraphStore.open(directory, { partitions, memoryBytes: 1_048_576 });
      await store.follow(jetStreamLogs(partitions, { client, replicas, log }).map(wrap), log, signal);
      return new LoggedStore(store, client);
    } catch (error) {
      await store?.close();
      await client.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.store.close();
    await this.client.close();
  }
}
