// Three nats-servers in one cluster on this machine, for what must hold when services hang on different nodes.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { partitionMappings } from "../../broker/contract.ts";
import { findNatsServer } from "../../broker/index.ts";
import { anyFreePort } from "../../lib/ports.ts";
import type { BrokerUnderTest } from "./brokers.ts";
import { tempDir } from "./temp-dir.ts";
import { waitFor } from "./wait-for.ts";

const NODES = 3;
const HOST = "127.0.0.1";

const binary: string | undefined = findNatsServer(process.env.PATH ?? "");

/** Node by node, so that each service can be given its own. */
export function clusterOf(partitions: number): BrokerUnderTest {
  const split = partitions === 1 ? "" : ` with ${partitions} partitions`;
  return {
    name: `a cluster of three nats-servers${split}`,
    skip: binary === undefined ? "no nats-server on this machine" : false,
    async start(ports) {
      const clients = ports ?? (await freePorts());
      const routes = await freePorts();
      const seeds = routes.map((port) => `nats://${HOST}:${port}`);
      const config = join(tempDir(), "nats-server.conf");
      writeFileSync(config, partitions === 1 ? "" : partitionMappings(partitions));
      const nodes = clients.map((port, index) =>
        spawn(
          binary ?? "",
          [
            ...["-c", config, "-a", HOST, "-p", String(port), "--cluster_name", "encke-test"],
            ...["--cluster", seeds[index] ?? "", "--routes", seeds.join(",")],
          ],
          { stdio: ["ignore", "ignore", "pipe"] },
        ),
      );
      const logs = nodes.map(() => "");
      for (const [index, node] of nodes.entries())
        node.stderr.setEncoding("utf8").on("data", (text: string) => {
          logs[index] += text;
        });
      await waitFor("every node to have a route to both others", () =>
        logs.every((log) => (log.match(/Route connection created/g)?.length ?? 0) >= NODES - 1),
      );
      return {
        urls: clients.map((port) => `nats://${HOST}:${port}`),
        ports: clients,
        async stop() {
          for (const node of nodes) {
            if (node.exitCode !== null) continue;
            const ended = once(node, "exit");
            node.kill("SIGKILL");
            await ended;
          }
        },
      };
    },
  };
}

export const cluster: BrokerUnderTest = clusterOf(1);

async function freePorts(): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < NODES) {
    const port = await anyFreePort(HOST);
    if (!ports.includes(port)) ports.push(port);
  }
  return ports;
}
