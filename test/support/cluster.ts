// A cluster of three nats-servers on this machine, for tests of services that are connected to different
// nodes.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { partitionMappings } from "../../broker/contract.ts";
import { anyFreePort } from "../../lib/ports.ts";
import { type BrokerUnderTest, onFreePort } from "./brokers.ts";
import { type InstalledServer, natsServer } from "./nats-servers.ts";
import { tempDir } from "./temp-dir.ts";
import { waitFor } from "./wait-for.ts";

const NODES = 3;
const HOST = "127.0.0.1";

/** Returns a cluster whose nodes have separate addresses, so that each service can use its own node. */
export function clusterOf(partitions: number, server: InstalledServer = natsServer): BrokerUnderTest {
  const split = partitions === 1 ? "" : ` with ${partitions} partitions`;
  return {
    name: `a cluster of three, ${server.name}${split}`,
    skip: server.skip,
    async start(ports) {
      // only the first port is retried here: if any port is taken, all of them are chosen again
      const { clients, nodes } = await onFreePort(ports?.[0], (port) =>
        startNodes(server, partitions, ports, port),
      );
      return {
        urls: clients.map((port) => `nats://${HOST}:${port}`),
        ports: clients,
        stop: () => stopNodes(nodes),
      };
    },
  };
}

async function startNodes(
  { binary }: InstalledServer,
  partitions: number,
  given: readonly number[] | undefined,
  first: number,
): Promise<{ clients: readonly number[]; nodes: readonly ChildProcess[] }> {
  const clients = given ?? (await freePorts([first], NODES));
  const routes = (await freePorts([...clients], 2 * NODES)).slice(NODES);
  const seeds = routes.map((port) => `nats://${HOST}:${port}`);
  const config = join(tempDir(), "nats-server.conf");
  writeFileSync(config, partitionMappings(partitions));
  const nodes = clients.map((port, index) =>
    spawn(
      binary,
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
  try {
    await waitFor("every node to have a route to both others", () => {
      const ended = nodes.findIndex(({ exitCode }) => exitCode !== null);
      if (ended !== -1) throw new Error(logs[ended]);
      return logs.every((log) => (log.match(/Route connection created/g)?.length ?? 0) >= NODES - 1);
    });
  } catch (error) {
    await stopNodes(nodes);
    throw error;
  }
  return { clients, nodes };
}

async function stopNodes(nodes: readonly ChildProcess[]): Promise<void> {
  for (const node of nodes) {
    if (node.exitCode !== null || node.signalCode !== null) continue;
    const ended = once(node, "exit");
    node.kill("SIGKILL");
    await ended;
  }
}

/** Returns `count` different ports: the given ones and free ones. */
async function freePorts(taken: readonly number[], count: number): Promise<number[]> {
  const ports = [...taken];
  while (ports.length < count) {
    const port = await anyFreePort(HOST);
    if (!ports.includes(port)) ports.push(port);
  }
  return ports;
}
