// A played graph service that faces one edge: it records what the edge announces, acknowledges it unless a
// test forbids that, and sends orders and frames. Owned by the test, which closes it.

import {
  edgeSubject,
  encodeEvent,
  type FrameHead,
  type FrameKind,
  FrameWriter,
  parseEventId,
  presenceSubject,
} from "../../broker/contract.ts";
import {
  type BrokerClient,
  type EdgeOrder,
  encodeOrder,
  type Owner,
  type PresenceMessage,
  parsePresence,
  type SentPosition,
} from "../../broker/index.ts";
import { connectClient } from "./client.ts";

type Delta = Extract<PresenceMessage, { type: "delta" }>;

/** One event of a frame, with the handles of its recipients. */
export interface PlayedEvent {
  readonly id: string;
  readonly data: string;
  readonly handles: readonly number[];
}

/** The epoch of the history that a played owner numbers its events in. */
const EPOCH = 1;

/** What played owners have sent to one edge: numbers of messages, and positions. */
export class PlayedPositions {
  readonly #numbers = new Map<string, number>();
  readonly #sequences = new Map<number, number>();

  /** Returns the head of the next message, which reaches this sequence. */
  next(presenceEpoch: number, partition: number, sequence: number): FrameHead {
    const key = `${presenceEpoch} ${partition}`;
    const number = (this.#numbers.get(key) ?? 0) + 1;
    this.#numbers.set(key, number);
    this.#sequences.set(partition, Math.max(sequence, this.#sequences.get(partition) ?? 0));
    return { partition, presenceEpoch, number, epoch: EPOCH, sequence };
  }

  /** Returns the positions of an acknowledgement. */
  sent({ partitions }: Owner, presenceEpoch: number): SentPosition[] {
    return partitions.map((partition) => ({
      partition,
      epoch: EPOCH,
      sequence: this.#sequences.get(partition) ?? 0,
      open: [],
      number: this.#numbers.get(`${presenceEpoch} ${partition}`) ?? 0,
    }));
  }
}

export class PlayedGraph {
  readonly client: BrokerClient;
  readonly received: PresenceMessage[] = [];
  readonly #subject: string;
  readonly #positions = new PlayedPositions();
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
    const positions = this.#positions.sent(this.owner, epoch);
    this.order({ type: "acknowledge", ...this.owner, epoch, sequence, positions });
  }

  order(order: EdgeOrder): void {
    this.send(encodeOrder(order));
  }

  /** Sends an order or a frame to the edge. */
  send(bytes: Uint8Array | string): void {
    this.client.publish(this.#subject, bytes);
  }

  /** Sends events of one partition in one frame of a presence epoch. */
  frame(kind: FrameKind, epoch: number, events: readonly PlayedEvent[]): void {
    const last = parseEventId(events.at(-1)?.id ?? "");
    const { partition = 0, sequence = 0 } = last ?? {};
    this.send(frameOf(kind, this.#positions.next(epoch, partition, sequence), events));
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

/** Packs events into one frame. */
export function frameOf(kind: FrameKind, head: FrameHead, events: readonly PlayedEvent[]): Uint8Array {
  const writer = new FrameWriter();
  for (const { id, data, handles } of events) {
    const json = encodeEvent(id, undefined, new Date(0), new TextEncoder().encode(data));
    writer.add(id, json, Uint32Array.from(handles), handles.length);
  }
  return writer.take(kind, head);
}
