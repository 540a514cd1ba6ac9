// A real edge in `frames` mode on a broker of its own, facing graph services that the test plays: the test
// sends their messages and inspects what the edge sent. Owned by the test, which stops it.

import { pino } from "pino";
import { FRAME_KIND } from "../../broker/contract.ts";
import type { BrokerClient, EdgeOrder } from "../../broker/index.ts";
import type { Edge } from "../../edge/index.ts";
import { createMetrics } from "../../lib/metrics.ts";
import { embedded, type TestBroker, urlOf } from "./brokers.ts";
import { readMetric } from "./metrics.ts";
import { newEdge } from "./network.ts";
import { idOf, PlayedGraph, type PlayedService } from "./played-graph.ts";
import { Reader } from "./reader.ts";

const SSE = { Accept: "text/event-stream" };

export class EdgeBeforeGraph {
  readonly edge: Edge;
  readonly graph: PlayedGraph;
  readonly #server: TestBroker;
  readonly #readers: Reader[] = [];
  readonly #lines: string[] = [];
  readonly #metrics = createMetrics();
  #events = 0;

  private constructor(server: TestBroker, graph: PlayedGraph) {
    this.#server = server;
    this.graph = graph;
    const write = (line: string): void => void this.#lines.push(line);
    const logger = pino({ level: "warn" }, { write });
    this.edge = newEdge({ url: urlOf(server) }, { fanout: "frames" }, { logger, metrics: this.#metrics });
  }

  static async start(services: readonly PlayedService[]): Promise<EdgeBeforeGraph> {
    const server = await embedded.start();
    const played = new EdgeBeforeGraph(server, await PlayedGraph.start(urlOf(server), services));
    await played.edge.start();
    return played;
  }

  get client(): BrokerClient {
    return this.graph.client;
  }

  /** Deltas that the edge has sent, in order. */
  get deltas(): PlayedGraph["deltas"] {
    return this.graph.deltas;
  }

  get lastDelta(): PlayedGraph["lastDelta"] {
    return this.graph.lastDelta;
  }

  handleOf(user: string): number {
    return this.graph.handleOf(user);
  }

  order(order: EdgeOrder): void {
    this.graph.order(order);
  }

  send(bytes: Uint8Array | string): void {
    this.graph.send(bytes);
  }

  announce(service: PlayedService): void {
    this.graph.announce(service);
  }

  acknowledge(service: PlayedService): void {
    this.graph.acknowledge(service);
  }

  /** Sends an event of one partition to these handles of an epoch. */
  frame(partition: number, epoch: number, data: string, ...handles: number[]): void {
    this.#events += 1;
    this.graph.frame([{ id: idOf(this.#events, partition), data, handles }], FRAME_KIND.frame, epoch);
  }

  /** Returns the lines of the edge's log that match the pattern. */
  logged(pattern: RegExp): string[] {
    return this.#lines.filter((line) => pattern.test(line));
  }

  /** The number of messages from NATS that the edge rejected. */
  get rejected(): Promise<number> {
    return readMetric(this.#metrics, "encke_edge_rejected_total");
  }

  /** The number of partitions whose owner is silent while others reply. */
  get lostPartitions(): Promise<number> {
    return readMetric(this.#metrics, "encke_edge_lost_partitions");
  }

  async read(user: string): Promise<Reader> {
    const reader = await Reader.open(new URL(`http://127.0.0.1:${this.edge.port}/stream?user=${user}`), SSE);
    this.#readers.push(reader);
    return reader;
  }

  async stop(): Promise<void> {
    for (const reader of this.#readers) reader.close();
    await this.edge.stop();
    await this.graph.close();
    await this.#server.stop();
  }
}
