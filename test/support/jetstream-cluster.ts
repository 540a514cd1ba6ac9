// A cluster of three nats-servers with JetStream on this machine, whose nodes can be killed and started
// again. Replicated streams need nats-server 2.11 or later. Owned by the test, which stops it.

import { join } from "node:path";
import { partitionMappings } from "../../broker/contract.ts";
import { isAtLeast } from "../../broker/index.ts";
import { anyFreePort } from "../../lib/ports.ts";
import { onFreePort } from "./brokers.ts";
import { manageStreams } from "./jetstream.ts";
import { NatsProcess } from "./nats-process.ts";
import { type InstalledServer, natsServer, natsServers } from "./nats-servers.ts";
import { tempDir } from "./temp-dir.ts";
import { waitFor } from "./wait-for.ts";

const NODES = 3;
const HOST = "127.0.0.1";
const REPLICATES_FROM = [2, 11] as const;
const READY_MS = 60_000;

interface Node {
  readonly config: string;
  process: NatsProcess;
}

export class JetStreamCluster {
  readonly #server: InstalledServer;
  readonly #nodes: readonly Node[];

  private constructor(server: InstalledServer, nodes: readonly Node[]) {
    this.#server = server;
    this.#nodes = nodes;
  }

  /** @param storage further settings of the `jetstream` block */
  static async start(server: InstalledServer, partitions = 1, storage = ""): Promise<JetStreamCluster> {
    const nodes: Node[] = [];
    const folder = tempDir();
    const start = async (): Promise<void> => {
      const routes: number[] = [];
      while (routes.length < NODES) {
        const port = await anyFreePort(HOST);
        if (!routes.includes(port)) routes.push(port);
      }
      const seeds = routes.map((port) => `"nats://${HOST}:${port}"`).join(", ");
      for (const [index, route] of routes.entries()) {
        const config = `
          server_name: n${index}
          jetstream { store_dir: ${JSON.stringify(join(folder, `n${index}`))}, ${storage} }
          cluster { name: encke-test, listen: "${HOST}:${route}", routes: [${seeds}] }
          ${partitionMappings(partitions)}`;
        nodes.push({ config, process: await NatsProcess.start(server, config) });
      }
    };
    await onFreePort(undefined, () =>
      start().catch(async (error: unknown) => {
        for (const { process } of nodes.splice(0)) await process.stop();
        throw error;
      }),
    );
    const cluster = new JetStreamCluster(server, nodes);
    await cluster.ready();
    return cluster;
  }

  get urls(): readonly string[] {
    return this.#nodes.map(({ process }) => process.url);
  }

  /** Resolves when JetStream replies on every node. */
  async ready(): Promise<void> {
    for (const url of this.urls)
      await waitFor(
        "JetStream to reply on every node",
        () =>
          manageStreams(url, (manager) => manager.getAccountInfo()).then(
            () => true,
            () => false,
          ),
        READY_MS,
      );
  }

  /** Returns the node that leads a stream. */
  async leaderOf(stream: string): Promise<number> {
    const { cluster } = await manageStreams(this.urls[0] ?? "", ({ streams }) => streams.info(stream));
    return Number(cluster?.leader?.slice(1));
  }

  /** Kills a node. */
  async kill(node: number): Promise<void> {
    await this.#nodes[node]?.process.stop();
  }

  /** Starts a killed node on the same port and folder. */
  async restart(node: number): Promise<void> {
    const stopped = this.#nodes[node];
    if (stopped === undefined) return;
    stopped.process = await NatsProcess.start(this.#server, stopped.config, stopped.process.port);
  }

  async stop(): Promise<void> {
    for (const { process } of this.#nodes) await process.stop();
  }
}

/**
 * The first installed server whose replicated streams are safe; a placeholder with a reason if there is none.
 */
export const replicatedServer: InstalledServer = natsServers.find(
  ({ version, skip }) => skip === false && isAtLeast(version, REPLICATES_FROM),
) ?? { ...natsServer, skip: `no nats-server from ${REPLICATES_FROM.join(".")} on, on this machine` };
