// Everything that a chaos run consists of besides readers: NATS nodes, graph services and edges as processes,
// and the links between them. Owned by the test, which stops it.

import { setTimeout as delay } from "node:timers/promises";
import type { BrokerClient } from "../../broker/index.ts";
import { ask, connectClient } from "../support/client.ts";
import { LossyProxy } from "../support/lossy-proxy.ts";
import { waitFor } from "../support/wait-for.ts";
import { EnckeService } from "./encke-service.ts";
import { NatsNode } from "./nats-node.ts";
import type { Part } from "./part.ts";
import type { Setup } from "./setups.ts";

const SAFE_MS = 90_000;
const LOOK_MS = 50;
/** Topics that are spread over the partitions. */
const PROBES = Array.from({ length: 8 }, (_, n) => `probe${n}`);

export class Site {
  readonly #nodes: readonly NatsNode[];
  readonly #services: readonly EnckeService[];
  readonly #links: readonly LossyProxy[];
  readonly client: BrokerClient;
  readonly parts: readonly Part[];

  private constructor(
    client: BrokerClient,
    nodes: readonly NatsNode[],
    services: readonly EnckeService[],
    others: readonly Part[],
  ) {
    this.client = client;
    this.#nodes = nodes;
    this.#services = services;
    this.parts = [...nodes, ...services, ...others];
    this.#links = this.parts.flatMap(({ links }) => links);
  }

  static async start(setup: Setup): Promise<Site> {
    const { nodes, routes } = await NatsNode.startAll(setup);
    const links = (): Promise<LossyProxy[]> => Promise.all(nodes.map(({ port }) => LossyProxy.start(port)));
    const services: EnckeService[] = [];
    for (const share of setup.shares)
      services.push(await EnckeService.graph(share, await links(), setup.graph));
    for (const [nth, edge] of setup.edges.entries())
      services.push(await EnckeService.edge(nth, edge, await links()));
    const own = await links();
    const client = await connectClient({ url: own.map(({ url }) => url).join(",") }, "producer");
    // replies to requests may be lost, so that requests are repeated
    const clients: Part = { name: "clients", kind: "clients", links: own, noticed: /^_INBOX\./ };
    const site = new Site(client, nodes, services, [...routes, clients]);
    try {
      await Promise.all(services.map((service) => service.start()));
      await site.untilSafe();
      return site;
    } catch (error) {
      await site.stop();
      throw error;
    }
  }

  /** Addresses of the edges, whether they run or not. */
  get urls(): readonly URL[] {
    return this.#services.filter(({ kind }) => kind === "edge").map(({ url }) => url);
  }

  /** Resolves when every part works, and the graph replies for every partition. */
  async untilSafe(): Promise<void> {
    const late = (): string => this.#late.join(", ");
    await waitFor("the site to be safe", () => this.#isSafe(), SAFE_MS).catch((error: unknown) => {
      const logs = [...this.logs].map(([name, log]) => `${name}: ${log.slice(-2_000)}`);
      throw new Error(`not ready: ${late()}\n${logs.join("\n")}`, { cause: error });
    });
  }

  /** What the services have logged, by name. */
  get logs(): ReadonlyMap<string, string> {
    return new Map(this.#services.map(({ name, log }) => [name, log]));
  }

  async stop(): Promise<void> {
    await this.client.close();
    await Promise.all(this.#services.map((service) => service.stop()));
    await Promise.all(this.#nodes.map((node) => node.kill()));
    for (const link of this.#links) link.stop();
  }

  #late: readonly string[] = [];

  async #isSafe(): Promise<boolean> {
    await delay(LOOK_MS);
    const ready = await Promise.all(
      this.parts.map(async ({ name, program }) => ((await program?.isReady()) === false ? [name] : [])),
    );
    this.#late = ready.flat();
    if (this.#late.length > 0 || !this.client.connected) return false;
    const replies = PROBES.map((topic) => ask(this.client, `graph.count.${topic}`).catch(() => undefined));
    const counts = await Promise.all(replies);
    return counts.every((reply) => reply !== undefined && reply.problem === undefined);
  }
}
