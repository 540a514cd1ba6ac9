// Receives what the edges announce: that they are alive, their fan-out mode, and in `frames` mode the users
// who come and go. Every delta is applied as a whole, and acknowledged once the edge was sent everything that
// began before. A message that does not continue the known state makes the edge begin a new epoch, with all
// its users and the positions that it has reached. Orders are sent on the edge's own subject, in order with
// its events.

import { EVERY_EDGE, edgeSubject, isUserId } from "../../broker/contract.ts";
import {
  type BrokerClient,
  type EdgeOrder,
  encodeOrder,
  type Msg,
  type Owner,
  otherVersion,
  PRESENCE_VERSION,
  type PresenceMessage,
  parsePresence,
  type SentPosition,
  type UnknownVersion,
} from "../../broker/index.ts";
import { messageOf } from "../../lib/errors.ts";
import type { Logger } from "../../lib/log.ts";
import type { EdgeLink, EdgeRegistry } from "./edge-registry.ts";
import type { OnlineTable } from "./online-table.ts";

const EDGE_ID = /^[A-Za-z0-9]{1,32}$/;
const SUBJECT_PREFIX = "presence.";
/** The maximum number of edges whose refusal is logged. Others are only counted. */
const MAX_REFUSALS_LOGGED = 1_000;

type Announcement = Exclude<PresenceMessage, { type: "leaving" }>;
type Delta = Extract<PresenceMessage, { type: "delta" }>;

/** The part of the fan-out that sends events to one edge. */
export interface EdgeFanOut {
  /** Sends the frames that wait for an edge, whose handles may refer to other users afterwards. */
  sendPending(edge: EdgeLink): void;
  /** Sends an edge what it lacks, and calls back when it is in step. */
  catchUp(edge: EdgeLink, onInStep: () => void): void;
  /** Returns what was sent to an edge that is in step. */
  positions(edge: EdgeLink): SentPosition[];
}

export interface PresenceReceiverOptions {
  readonly client: BrokerClient;
  readonly registry: EdgeRegistry;
  readonly online: OnlineTable;
  /** This start of the service and the partitions that it owns. */
  readonly owner: Owner;
  readonly fanOut: EdgeFanOut;
  readonly log: Logger;
}

export class PresenceReceiver {
  readonly #options: PresenceReceiverOptions;
  /** Malformed messages. */
  rejected = 0;
  /** Messages of edges beyond the maximum number, or of a version that this release does not support. */
  refused = 0;
  /** Times that an edge had to begin a new epoch. */
  restarts = 0;

  readonly #otherVersions = new Set<string>();

  constructor(options: PresenceReceiverOptions) {
    this.#options = options;
  }

  /** Handles one message of `presence.<edgeId>`. */
  receive(message: Msg): void {
    const id = message.subject.slice(SUBJECT_PREFIX.length);
    let announced: PresenceMessage | UnknownVersion;
    try {
      announced = parsePresence(message.data);
      if (!EDGE_ID.test(id) || edgeSubject(id) === EVERY_EDGE)
        throw new Error(`${message.subject} does not name an edge`);
    } catch (error) {
      this.rejected += 1;
      this.#options.log.warn({ reason: messageOf(error) }, "malformed presence message");
      return;
    }
    if (announced.type === "unknown-version") return this.#refuse(id, announced.version);
    const { registry } = this.#options;
    if (announced.type === "leaving") return registry.remove(id);
    const edge = registry.get(id) ?? registry.add(id, announced.mode, performance.now());
    if (edge === undefined) {
      if (this.refused === 0)
        this.#options.log.warn({ edges: registry.size }, "too many edges: others are refused");
      this.refused += 1;
      return;
    }
    registry.recordActivity(edge, performance.now());
    const isContinued =
      announced.type === "beat" ? edge.presence.isAt(announced) : this.#apply(edge, announced);
    if (!isContinued) this.#restart(edge, announced);
    else if (edge.presence.isInStep) this.#acknowledge(edge);
    else if (announced.type === "beat") this.#showLife(edge);
  }

  /** Asks every edge to announce itself, after a start of the service. */
  callEdges(): void {
    this.#options.client.publish(EVERY_EDGE, encodeOrder({ type: "announce", ...this.#options.owner }));
  }

  /** Refuses an edge of another release, and logs it once. The edge is told why it receives nothing. */
  #refuse(id: string, version: number): void {
    const { log, registry, client } = this.#options;
    this.refused += 1;
    registry.remove(id);
    client.publish(edgeSubject(id), encodeOrder({ type: "refuse", speaks: PRESENCE_VERSION }));
    if (this.#otherVersions.has(id) || this.#otherVersions.size >= MAX_REFUSALS_LOGGED) return;
    this.#otherVersions.add(id);
    log.error(otherVersion(`the edge ${id}`, version));
  }

  /** Applies a delta. Returns false, and applies nothing, if it does not continue the known state. */
  #apply(edge: EdgeLink, delta: Delta): boolean {
    const { online, fanOut } = this.#options;
    const { presence, slot } = edge;
    if (presence.isBegunBy(delta)) {
      fanOut.sendPending(edge);
      online.removeEdge(slot);
      presence.begin(delta.mode, delta.epoch, delta.positions);
    }
    if (!presence.isContinuedBy(delta)) return false;
    for (const handle of delta.leaves) online.remove(slot, handle);
    for (const [user, handle] of delta.joins) if (isUserId(user)) online.add(slot, handle, user);
    const wasComplete = presence.isComplete;
    presence.advance(delta.complete);
    if (presence.isComplete && !wasComplete) this.#catchUp(edge);
    return true;
  }

  /**
   * Sends an edge whose users are complete what it lacks. Deltas that arrive meanwhile are acknowledged then.
   */
  #catchUp(edge: EdgeLink): void {
    let isLater = false;
    this.#options.fanOut.catchUp(edge, () => {
      if (isLater) this.#acknowledge(edge); // otherwise the caller does, after the delta
    });
    isLater = true;
  }

  #acknowledge(edge: EdgeLink): void {
    const { fanOut, owner } = this.#options;
    const { epoch, sequence } = edge.presence;
    // once the edge learns that a leave is acknowledged, it may reuse the handle: no later message may refer
    // to it
    fanOut.sendPending(edge);
    const positions = fanOut.positions(edge);
    this.#order(edge, { type: "acknowledge", ...owner, epoch, sequence, positions });
  }

  /**
   * Replies to the beat of an edge that catches up, which takes us for silent otherwise. Acknowledges
   * nothing.
   */
  #showLife(edge: EdgeLink): void {
    const { epoch } = edge.presence;
    this.#order(edge, { type: "acknowledge", ...this.#options.owner, epoch, sequence: 0, positions: [] });
  }

  #restart(edge: EdgeLink, announced: Announcement): void {
    const epoch = Math.max(announced.epoch, edge.presence.epoch);
    this.restarts += 1;
    this.#options.fanOut.sendPending(edge);
    this.#options.online.removeEdge(edge.slot);
    edge.presence.lose(epoch);
    this.#order(edge, { type: "restart", ...this.#options.owner, epoch });
  }

  #order(edge: EdgeLink, order: EdgeOrder): void {
    this.#options.client.publish(edgeSubject(edge.id), encodeOrder(order));
  }
}
