// Graph services that a test plays for one edge. They record what the edge announces and requests,
// acknowledge its presence and reply with markers unless the test forbids that, and send orders and numbered
// messages. Owned by the test, which closes it.

import {
  copySubject,
  cursorOfEvent,
  EVERY_EDGE,
  edgeSubject,
  encodeEvent,
  encodeHandles,
  encodeMessage,
  FRAME_KIND,
  type FrameHead,
  type FrameKind,
  FrameWriter,
  formatEventId,
  type Hole,
  parseCursor,
  parseEventId,
  parseTopic,
  parseUserId,
} from "../../broker/contract.ts";
import {
  type BrokerClient,
  type EdgeOrder,
  encodeHole,
  encodeOrder,
  encodeReplayPage,
  encodeWithdrawal,
  eventHeaders,
  type MarkRequest,
  type Msg,
  markerHeaders,
  type Owner,
  type PresenceMessage,
  parseMarkRequest,
  parsePresence,
  parseReplayRequest,
  type ReplayItem,
  type ReplayPage,
  type SentPosition,
  type Withdrawal,
} from "../../broker/index.ts";
import { connectClient } from "./client.ts";
import { waitFor } from "./wait-for.ts";

type Delta = Extract<PresenceMessage, { type: "delta" }>;

/** A played graph service: its start, its partitions, and whether it acknowledges automatically. */
export interface PlayedService {
  owner: Owner;
  answers: boolean;
}

/** One event of a frame, with the handles of its recipients. */
export interface PlayedEvent {
  readonly id: string;
  readonly data: string;
  readonly handles: readonly number[];
  /** Absent for a message to a user. */
  readonly topic?: string;
}

/** A replay that the edge requested. */
export interface RequestedReplay {
  readonly partition: number;
  readonly presenceEpoch: number;
  readonly item: ReplayItem;
}

/** The epoch of the history in which played owners number their events. */
export const EPOCH = 1;
const NOTHING = new Uint8Array(0);

/** Returns the id of an event of a played owner. */
export function idOf(sequence: number, partition = 0): string {
  return formatEventId({ partition, epoch: EPOCH, sequence });
}

/** Returns the cursor of a reader that has received everything up to a sequence of the only partition. */
export function cursorAt(sequence: number): string {
  return cursorOfEvent(1, "", idOf(sequence));
}

/** Returns the sequence of a cursor's own position. */
export function ownOf(cursor: string | undefined): number | undefined {
  return parseCursor(cursor ?? "")?.own.sequence;
}

/** Returns an encoded event. */
export function encoded(id: string, data: string, topic?: string): Uint8Array {
  const parsed = topic === undefined ? undefined : parseTopic(topic);
  return encodeEvent(id, parsed, new Date(0), new TextEncoder().encode(data));
}

/** Packs events into one frame. */
export function frameOf(kind: FrameKind, head: FrameHead, events: readonly PlayedEvent[]): Uint8Array {
  const writer = new FrameWriter();
  for (const { id, data, handles, topic } of events)
    writer.add(id, encoded(id, data, topic), Uint32Array.from(handles), handles.length);
  return writer.take(kind, head);
}

export class PlayedGraph {
  readonly client: BrokerClient;
  readonly services: readonly PlayedService[];
  readonly received: PresenceMessage[] = [];
  readonly replays: RequestedReplay[] = [];
  readonly marks: { readonly partition: number; readonly request: MarkRequest }[] = [];
  /** Whether requests for markers are replied to. */
  marksCopies = true;
  readonly #numbers = new Map<string, number>();
  readonly #sequences = new Map<number, number>();
  #edgeId = "";

  private constructor(client: BrokerClient, services: readonly PlayedService[]) {
    this.client = client;
    this.services = services;
  }

  /** @param services by default one that owns the only partition */
  static async start(
    url: string,
    services: readonly PlayedService[] = [{ owner: { graph: 1, partitions: [0], of: 1 }, answers: true }],
  ): Promise<PlayedGraph> {
    const graph = new PlayedGraph(await connectClient({ url }, "graph"), services);
    graph.client.subscribe("presence.*", (message) => graph.#heard(message));
    graph.client.subscribe("part.*.replay", (message) => graph.#asked(message));
    graph.client.subscribe("part.*.mark", (message) => graph.#marked(message));
    await graph.client.flush();
    return graph;
  }

  /** The first service. */
  get service(): PlayedService {
    return this.services[0] as PlayedService;
  }

  /** Deltas that the edge has sent, in order. */
  get deltas(): readonly Delta[] {
    return this.received.filter((message) => message.type === "delta");
  }

  get lastDelta(): Pick<Delta, "epoch" | "sequence"> {
    return this.deltas.at(-1) ?? { epoch: 0, sequence: 0 };
  }

  /** The users that deltas of this epoch announced. */
  joinedIn(epoch: number): string[] {
    const own = this.deltas.filter((delta) => delta.epoch === epoch);
    return own.flatMap(({ joins }) => joins.map(([user]) => user));
  }

  /** The handle that the edge announced for a user, or -1. */
  handleOf(user: string): number {
    const joins = this.deltas.flatMap((delta) => delta.joins);
    return joins.findLast(([name]) => name === user)?.[1] ?? -1;
  }

  /** Resolves with the last of this many replays that the edge requests for a user. */
  async requested(user: string, count = 1): Promise<RequestedReplay> {
    const own = (): RequestedReplay[] => this.replays.filter(({ item }) => item.user === user);
    await waitFor(`${count} requests for ${user}`, () => own().length >= count);
    return own()[count - 1] as RequestedReplay;
  }

  /** Acknowledges everything that the edge has announced so far, for one service. */
  acknowledge({ owner }: Pick<PlayedService, "owner"> = this.service): void {
    const { epoch, sequence } = this.lastDelta;
    const positions = this.positions(owner, epoch);
    if (sequence > 0) this.order({ type: "acknowledge", ...owner, epoch, sequence, positions });
  }

  /** Returns what has been sent and begun in the partitions of a service. */
  positions({ partitions }: Owner, presenceEpoch: number): SentPosition[] {
    return partitions.map((partition) => ({
      ...{ partition, epoch: EPOCH, open: [] },
      sequence: this.#sequences.get(partition) ?? 0,
      number: this.#numbers.get(`${presenceEpoch} ${partition}`) ?? 0,
    }));
  }

  order(order: EdgeOrder): void {
    this.send(encodeOrder(order));
  }

  /** Announces to all edges that a service has started. */
  announce({ owner }: PlayedService): void {
    this.client.publish(EVERY_EDGE, encodeOrder({ type: "announce", ...owner }));
  }

  /** Sends an order or a message about events to the edge. */
  send(bytes: Uint8Array | string): void {
    this.client.publish(edgeSubject(this.#edgeId), bytes);
  }

  /** Begins events up to a sequence that have no recipients at the edge. */
  begin(sequence: number, partition = 0): void {
    this.#sequences.set(partition, Math.max(sequence, this.#sequences.get(partition) ?? 0));
  }

  /** Returns the head of the next message. A message that is not sent with it is lost. */
  next(sequence: number, partition = 0, presenceEpoch: number = this.lastDelta.epoch): FrameHead {
    const key = `${presenceEpoch} ${partition}`;
    const number = (this.#numbers.get(key) ?? 0) + 1;
    this.#numbers.set(key, number);
    this.begin(sequence, partition);
    return { partition, presenceEpoch, number, epoch: EPOCH, sequence };
  }

  /** Sends events of one partition in one frame. */
  frame(events: readonly PlayedEvent[], kind: FrameKind = FRAME_KIND.frame, epoch?: number): void {
    const { partition = 0, sequence = 0 } = parseEventId(events.at(-1)?.id ?? "") ?? {};
    this.send(frameOf(kind, this.next(sequence, partition, epoch), events));
  }

  /** Sends a frame without events, which moves the edge's position. */
  move(sequence: number, partition = 0): void {
    this.send(frameOf(FRAME_KIND.frame, this.next(sequence, partition), []));
  }

  /** Begins a long event. */
  openLong(sequence: number, data: string, topic?: string): void {
    const event = { id: idOf(sequence), data, handles: [], ...(topic !== undefined && { topic }) };
    this.frame([event], FRAME_KIND.open);
  }

  partLong(sequence: number, handles: readonly number[]): void {
    this.#message(FRAME_KIND.part, sequence, encodeHandles(Uint32Array.from(handles), handles.length));
  }

  /** @param counted whether the sender waits for a count */
  closeLong(sequence: number, counted = false): void {
    this.#message(FRAME_KIND.close, sequence, counted ? Uint8Array.of(1) : NOTHING);
  }

  hole(sequence: number, hole: Hole, partition = 0): void {
    this.#message(FRAME_KIND.hole, sequence, encodeHole(hole), partition);
  }

  withdraw(sequence: number, withdrawal: Withdrawal): void {
    this.#message(FRAME_KIND.withdraw, sequence, encodeWithdrawal(withdrawal));
  }

  /** Replies to a requested replay with one page. */
  page(
    { partition, item }: RequestedReplay,
    events: readonly Uint8Array[],
    page: Partial<Omit<ReplayPage, "events">> = {},
  ): void {
    const head = { request: item.request, upTo: item.upTo, last: true, ...page };
    const reached = this.#sequences.get(partition) ?? 0;
    this.#message(FRAME_KIND.replayed, reached, encodeReplayPage(head, events), partition);
  }

  /** Publishes one user's copy of an event, for an edge in `subject` mode. */
  copy(user: string, id: string, data: string, counted = false): void {
    const options = { headers: eventHeaders(id, counted) };
    this.client.publish(copySubject(parseUserId(user)), encoded(id, data, "42"), options);
  }

  /** Replies to a request for markers. */
  mark({ partition, request }: { readonly partition: number; readonly request: MarkRequest }): void {
    const sequence = this.#sequences.get(partition) ?? 0;
    for (const [user, subscription] of request.users) {
      const marker = { edge: request.edge, subscription, partition, epoch: EPOCH, sequence, open: [] };
      this.client.publish(copySubject(parseUserId(user)), "", { headers: markerHeaders(marker) });
    }
  }

  /** Resolves when the server has passed on everything that was sent before. */
  flush(): Promise<void> {
    return this.client.flush();
  }

  close(): Promise<void> {
    return this.client.close();
  }

  #message(kind: FrameKind, sequence: number, body: Uint8Array, partition = 0): void {
    this.send(encodeMessage(kind, this.next(sequence, partition), body));
  }

  #heard({ subject, data }: Msg): void {
    this.#edgeId = subject.slice("presence.".length);
    const message = parsePresence(data);
    if (message.type === "unknown-version") return;
    this.received.push(message);
    if (message.type === "leaving") return;
    const isKnown = message.epoch === this.lastDelta.epoch; // else NATS was away and lost deltas
    for (const { owner, answers } of this.services) {
      if (!answers) continue;
      if (isKnown) this.acknowledge({ owner });
      else this.order({ type: "restart", ...owner, epoch: message.epoch });
    }
  }

  #asked({ subject, data }: Msg): void {
    const { presenceEpoch, items } = parseReplayRequest(data);
    for (const item of items) this.replays.push({ partition: partitionOf(subject), presenceEpoch, item });
  }

  #marked({ subject, data }: Msg): void {
    const asked = { partition: partitionOf(subject), request: parseMarkRequest(data) };
    this.marks.push(asked);
    if (this.marksCopies) this.mark(asked);
  }
}

function partitionOf(subject: string): number {
  return Number(subject.split(".")[1]);
}
