// One nats-server of the site, alone or in a cluster whose routes pass through links of ours: it advertises
// no address, so that neither clients nor servers find a way around the links. Owned by the site.

import { join } from "node:path";
import { partitionMappings } from "../../broker/contract.ts";
import { anyFreePort } from "../../lib/ports.ts";
import { LossyProxy } from "../support/lossy-proxy.ts";
import { NatsProcess } from "../support/nats-process.ts";
import { natsServer } from "../support/nats-servers.ts";
import { tempDir } from "../support/temp-dir.ts";
import { waitFor } from "../support/wait-for.ts";
import type { Part, Program } from "./part.ts";
import type { Setup } from "./setups.ts";

const HOST = "127.0.0.1";
/** A port on which nothing listens: servers that learn of each other by gossip get no connection. */
const NOWHERE = `${HOST}:1`;
/** Two servers of 2.10 or newer make a pool of three connections, and one for the system account. */
const ROUTE_CONNECTIONS = 4;

/** The link of the connections that one node opens to another. */
interface Cable {
  readonly from: number;
  readonly to: number;
  readonly link: LossyProxy;
}

export class NatsNode implements Program, Part {
  readonly kind = "nats";
  readonly links: readonly LossyProxy[] = [];
  readonly isSupervised = false;
  readonly name: string;
  readonly program: Program = this;
  readonly #config: string;
  readonly #routes: number;
  #process: NatsProcess | undefined;
  #port: number | undefined;

  private constructor(name: string, config: string, routes: number) {
    this.name = name;
    this.#config = config;
    this.#routes = routes;
  }

  /** Starts this many nodes. Each route is a part of its own. */
  static async startAll({
    nodes: count,
    partitions,
    hasStreams,
  }: Setup): Promise<{ readonly nodes: readonly NatsNode[]; readonly routes: readonly Part[] }> {
    const ports = await Promise.all(Array.from({ length: count }, () => anyFreePort(HOST)));
    // each node names all others, because a cluster with JetStream counts its nodes by these routes
    const cables: Cable[] = [];
    for (const [to, port] of ports.entries())
      for (const from of ports.keys())
        if (from !== to) cables.push({ from, to, link: await LossyProxy.start(port, true) });
    const nodes = ports.map((port, nth) => {
      const own = cables.filter(({ from }) => from === nth).map(({ link }) => JSON.stringify(link.url));
      const cluster = `server_name: node${nth}
cluster { name: chaos, listen: "${HOST}:${port}", advertise: "${NOWHERE}", no_advertise: true
  routes: [${own.join(", ")}] }
`;
      const streams = `jetstream { store_dir: ${JSON.stringify(join(tempDir(), "jetstream"))} }\n`;
      const config = `${partitionMappings(partitions)}${hasStreams ? streams : ""}${count === 1 ? "" : cluster}`;
      return new NatsNode(`nats ${nth}`, config, count - 1);
    });
    try {
      await Promise.all(nodes.map((node) => node.start()));
    } catch (error) {
      // a server left running would keep the test file from ending
      await Promise.all(nodes.map((node) => node.kill()));
      for (const { link } of cables) link.stop();
      throw error;
    }
    return { nodes, routes: routesOf(cables) };
  }

  get port(): number {
    return this.#port ?? 0;
  }

  pids(): readonly number[] {
    return this.#process === undefined ? [] : [this.#process.pid];
  }

  async start(): Promise<void> {
    this.#process = await NatsProcess.start(natsServer, this.#config, this.#port);
    this.#port = this.#process.port;
  }

  async stop(): Promise<void> {
    await this.#process?.stop("SIGTERM");
  }

  untilEnded(): Promise<void> {
    return waitFor(`${this.name} to end`, () => this.#process?.isRunning !== true);
  }

  /** Kills it; for the end of the test. */
  async kill(): Promise<void> {
    await this.#process?.stop();
  }

  /** Whether it has a route to every other node, as far as its log says. */
  isReady(): Promise<boolean> {
    const log = this.#process?.log ?? "";
    const created = log.match(/Route connection created/g)?.length ?? 0;
    const closed = log.match(/Router connection closed/g)?.length ?? 0;
    return Promise.resolve(
      this.#process?.isRunning === true && created - closed >= ROUTE_CONNECTIONS * this.#routes,
    );
  }
}

/** Returns each pair of nodes as a part, whose links fail together. */
function routesOf(cables: readonly Cable[]): Part[] {
  return cables
    .filter(({ from, to }) => from < to)
    .map(({ from, to }) => ({
      name: `route ${from}-${to}`,
      kind: "route",
      links: cables
        .filter((cable) => Math.min(cable.from, cable.to) === from && Math.max(cable.from, cable.to) === to)
        .map(({ link }) => link),
    }));
}
