// A played graph service that faces one edge: it records what the edge announces, acknowledges it unless a
// test forbids that, and sends orders and frames. Owned by the test, which closes it.

import {
  edgeSubject,
  encodeEvent,
  type FrameKind,
  FrameWriter,
  presenceSubject,
} from "../../broker/contract.ts";
import {
  type BrokerClient,
  type EdgeOrder,
  encodeOrder,
  type Owner,
  type PresenceMessage,
  parsePresence,
} from "../../broker/index.ts";
import { connectClient } from "./client.ts";

type Delta = Extract<PresenceMessage, { type: "delta" }>;

/** One event of a frame, with the handles of its recipients. */
export interface PlayedEvent {
  readonly id: string;
  readonly data: string;
  readonly handles: readonly number[];
}

export class PlayedGraph {
  readonly client: BrokerClient;
  readonly received: PresenceMessage[] = [];
  readonly #subject: string;
  owner: Owner = { graph: 1, partitions: [0], of: 1 };
  /** Whether each message is acknowledged when it arrives. */
  acknowledges = true;

  private constructor(client: BrokerClient, edgeId: string) {
    this.client = client;
    this.#subject = edgeSubject(edgeId);
  }

  static async start(url: string, edgeId: string): Promise<PlayedGraph> {
    const graph = new PlayedGraph(await connectClient({ url }, "graph"), edgeId);
    graph.client.subscribe(presenceSubject(edgeId), ({ data }) => graph.#receive(parsePresence(data)));
    await graph.client.flush();
    return graph;
  }

  get deltas(): readonly Delta[] {
    return this.received.filter((message) => message.type === "delta");
  }

  get lastDelta(): Pick<Delta, "epoch" | "sequence"> {
    return this.deltas.at(-1) ?? { epoch: 0, sequence: 0 };
  }

  /** The users that deltas of this epoch announced. */
  joinedIn(epoch: number): string[] {
    return this.deltas
      .filter((delta) => delta.epoch === epoch)
      .flatMap(({ joins }) => joins.map(([user]) => user));
  }

  /** Acknowledges everything that the edge has announced so far. */
  acknowledge(): void {
    const { epoch, sequence } = this.lastDelta;
    this.order({ type: "acknowledge", ...this.owner, epoch, sequence });
  }

  order(order: EdgeOrder): void {
    this.send(encodeOrder(order));
  }

  /** Sends an order or a frame to the edge. */
  send(bytes: Uint8Array | string): void {
    this.client.publish(this.#subject, bytes);
  }

  /** Resolves when the server has passed on everything that was sent before. */
  flush(): Promise<void> {
    return this.client.flush();
  }

  close(): Promise<void> {
    return this.client.close();
  }

  #receive(message: PresenceMessage | { readonly type: "unknown-version" }): void {
    if (message.type === "unknown-version") return;
    this.received.push(message);
    if (!this.acknowledges || message.type === "leaving") return;
    if (message.epoch === this.lastDelta.epoch) return this.acknowledge();
    this.order({ type: "restart", ...this.owner, epoch: message.epoch }); // NATS was away and lost deltas
  }
}

/** Packs events into one frame of an epoch. */
export function frameOf(kind: FrameKind, epoch: number, events: readonly PlayedEvent[]): Uint8Array {
  const writer = new FrameWriter(epoch);
  for (const { id, data, handles } of events) {
    const json = encodeEvent(id, undefined, new Date(0), new TextEncoder().encode(data));
    writer.add(id, json, Uint32Array.from(handles), handles.length);
  }
  return writer.take(kind);
}
