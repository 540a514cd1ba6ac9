// A real edge in `frames` mode on a broker of its own, facing graph services that the test plays: the test
// sends their messages and inspects what the edge sent. Owned by the test, which stops it.

import { pino } from "pino";
import { edgeSubject, FRAME_KIND } from "../../broker/contract.ts";
import {
  type BrokerClient,
  type EdgeOrder,
  encodeOrder,
  type Owner,
  type PresenceMessage,
  parsePresence,
} from "../../broker/index.ts";
import type { Edge } from "../../edge/index.ts";
import { createMetrics } from "../../lib/metrics.ts";
import { embedded, type TestBroker, urlOf } from "./brokers.ts";
import { connectClient } from "./client.ts";
import { readMetric } from "./metrics.ts";
import { newEdge } from "./network.ts";
import { frameOf, PlayedPositions } from "./played-graph.ts";
import { Reader } from "./reader.ts";

const SSE = { Accept: "text/event-stream" };

type Delta = Extract<PresenceMessage, { type: "delta" }>;

/** A played graph service: its start time, its partitions, and whether it acknowledges automatically. */
export interface PlayedService {
  owner: Owner;
  answers: boolean;
}

export class EdgeBeforeGraph {
  readonly edge: Edge;
  readonly client: BrokerClient;
  readonly #server: TestBroker;
  readonly #heard: PresenceMessage[] = [];
  readonly #readers: Reader[] = [];
  readonly #lines: string[] = [];
  readonly #metrics = createMetrics();
  readonly #positions = new PlayedPositions();
  #edgeId = "";
  #events = 0;

  private constructor(server: TestBroker, client: BrokerClient) {
    this.#server = server;
    this.client = client;
    const write = (line: string): void => void this.#lines.push(line);
    const logger = pino({ level: "warn" }, { write });
    this.edge = newEdge({ url: urlOf(server) }, { fanout: "frames" }, { logger, metrics: this.#metrics });
  }

  static async start(services: readonly PlayedService[]): Promise<EdgeBeforeGraph> {
    const server = await embedded.start();
    const client = await connectClient({ url: urlOf(server) }, "graph");
    const played = new EdgeBeforeGraph(server, client);
    client.subscribe("presence.*", (message) => {
      played.#edgeId = message.subject.slice("presence.".length);
      const heard = parsePresence(message.data);
      if (heard.type !== "unknown-version") played.#heard.push(heard);
      for (const service of services) if (service.answers) played.acknowledge(service);
    });
    await client.flush();
    await played.edge.start();
    return played;
  }

  /** Deltas that the edge has sent, in order. */
  get deltas(): Delta[] {
    return this.#heard.filter((message) => message.type === "delta");
  }

  get lastDelta(): Pick<Delta, "epoch" | "sequence"> {
    return this.deltas.at(-1) ?? { epoch: 0, sequence: 0 };
  }

  /** The handle that the edge announced for a user, or -1. */
  handleOf(user: string): number {
    const joins = this.deltas.flatMap((delta) => delta.joins);
    return joins.findLast(([name]) => name === user)?.[1] ?? -1;
  }

  order(order: EdgeOrder): void {
    this.send(encodeOrder(order));
  }

  /** Sends an order or a frame to this edge, as a graph service would. */
  send(bytes: Uint8Array | string): void {
    this.client.publish(edgeSubject(this.#edgeId), bytes);
  }

  /** Announces to all edges that the service has started. */
  announce({ owner }: PlayedService): void {
    this.client.publish("edge.all", encodeOrder({ type: "announce", ...owner }));
  }

  /** Acknowledges everything that the edge has sent so far. */
  acknowledge({ owner }: PlayedService): void {
    const { epoch, sequence } = this.lastDelta;
    const positions = this.#positions.sent(owner, epoch);
    if (sequence > 0) this.order({ type: "acknowledge", ...owner, epoch, sequence, positions });
  }

  /** Sends an event of one partition to these handles of an epoch. */
  frame(partition: number, epoch: number, data: string, ...handles: number[]): void {
    this.#events += 1;
    const id = `${partition}-1-${this.#events.toString(36)}`;
    const head = this.#positions.next(epoch, partition, this.#events);
    this.send(frameOf(FRAME_KIND.frame, head, [{ id, data, handles }]));
  }

  /** Returns the lines of the edge's log that match the pattern. */
  logged(pattern: RegExp): string[] {
    return this.#lines.filter((line) => pattern.test(line));
  }

  /** The number of messages from NATS that the edge rejected. */
  get rejected(): Promise<number> {
    return readMetric(this.#metrics, "encke_edge_rejected_total");
  }

  async read(user: string): Promise<Reader> {
    const reader = await Reader.open(new URL(`http://127.0.0.1:${this.edge.port}/stream?user=${user}`), SSE);
    this.#readers.push(reader);
    return reader;
  }

  async stop(): Promise<void> {
    for (const reader of this.#readers) reader.close();
    await this.edge.stop();
    await this.client.close();
    await this.#server.stop();
  }
}
