// Hears what the edges announce: that they live, in which mode, and in `frames` mode who comes and goes. Every delta is
// applied whole and acknowledged; whatever does not follow on what was heard before makes the edge begin a new epoch,
// and until that is complete its copies go by name. Orders travel on the edge's own subject, in order with its events.

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
  type UnknownVersion,
} from "../../broker/index.ts";
import { messageOf } from "../../lib/errors.ts";
import type { Logger } from "../../lib/log.ts";
import type { EdgeLink, EdgeRegistry } from "./edge-registry.ts";
import type { OnlineTable } from "./online-table.ts";

const EDGE_ID = /^[A-Za-z0-9]{1,32}$/;
const SUBJECT_PREFIX = "presence.";
/** Refused edges whose refusal is logged; the others are counted. */
const MAX_REFUSALS_LOGGED = 1_000;

type Announcement = Exclude<PresenceMessage, { type: "leaving" }>;
type Delta = Extract<PresenceMessage, { type: "delta" }>;

export interface PresenceReceiverOptions {
  readonly client: BrokerClient;
  readonly registry: EdgeRegistry;
  readonly online: OnlineTable;
  /** This start of the service, and the partitions for which it speaks. */
  readonly owner: Owner;
  /** Sends what waits for an edge: its handles may mean others once we have answered. */
  readonly sendPending: (edge: EdgeLink) => void;
  /** Resolves when messages sent straight to a user reach edges in `frames` mode through us. */
  readonly openBridge: () => Promise<void>;
  readonly log: Logger;
}

export class PresenceReceiver {
  readonly #options: PresenceReceiverOptions;
  /** Messages that were not of their form. */
  rejected = 0;
  /** Messages of edges beyond the most that are taken in, or of a version that this release does not speak. */
  refused = 0;
  /** Times that an edge had to begin anew. */
  restarts = 0;

  readonly #otherVersions = new Set<string>();

  constructor(options: PresenceReceiverOptions) {
    this.#options = options;
  }

  /** Takes one message of `presence.<edgeId>`. */
  receive(message: Msg): void {
    const id = message.subject.slice(SUBJECT_PREFIX.length);
    let said: PresenceMessage | UnknownVersion;
    try {
      said = parsePresence(message.data);
      if (!EDGE_ID.test(id) || edgeSubject(id) === EVERY_EDGE)
        throw new Error(`${message.subject} names no edge`);
    } catch (error) {
      this.rejected += 1;
      this.#options.log.warn({ reason: messageOf(error) }, "presence not understood");
      return;
    }
    if (said.type === "unknown-version") return this.#refuse(id, said.version);
    const { registry } = this.#options;
    if (said.type === "leaving") return registry.left(id);
    const edge = registry.get(id) ?? registry.add(id, said.mode, performance.now());
    if (edge === undefined) {
      if (this.refused === 0)
        this.#options.log.warn({ edges: registry.size }, "too many edges: more are refused");
      this.refused += 1;
      return;
    }
    registry.heard(edge, performance.now());
    const follows = said.type === "beat" ? edge.presence.isAt(said) : this.#apply(edge, said);
    if (follows) void this.#acknowledge(edge, said);
    else this.#restart(edge, said);
  }

  /** Asks every edge to announce itself: this service has just started. */
  callEdges(): void {
    this.#options.client.publish(EVERY_EDGE, encodeOrder({ type: "announce", ...this.#options.owner }));
  }

  /** An edge of another release: it is told why nothing is sent to it, and the operator once. */
  #refuse(id: string, version: number): void {
    const { log, registry, client } = this.#options;
    this.refused += 1;
    registry.left(id);
    client.publish(edgeSubject(id), encodeOrder({ type: "refuse", speaks: PRESENCE_VERSION }));
    if (this.#otherVersions.has(id) || this.#otherVersions.size >= MAX_REFUSALS_LOGGED) return;
    this.#otherVersions.add(id);
    log.error(otherVersion(`the edge ${id}`, version));
  }

  /** False, and nothing is applied, where it does not follow on what was heard. */
  #apply(edge: EdgeLink, delta: Delta): boolean {
    const { online, sendPending } = this.#options;
    const { presence, slot } = edge;
    if (presence.isBegunBy(delta)) {
      sendPending(edge);
      online.removeEdge(slot);
      presence.begin(delta.mode, delta.epoch);
    }
    if (!presence.isFollowedBy(delta)) return false;
    for (const handle of delta.leaves) online.remove(slot, handle);
    for (const [user, handle] of delta.joins) if (isUserId(user)) online.add(slot, handle, user);
    presence.advance(delta.complete);
    return true;
  }

  async #acknowledge(edge: EdgeLink, { epoch, sequence }: Announcement): Promise<void> {
    try {
      if (edge.presence.mode === "frames") await this.#options.openBridge();
    } catch (error) {
      return this.#options.log.warn({ reason: messageOf(error) }, "not acknowledged"); // its next beat asks again
    }
    // once it knows that somebody left, their handle may be another's: nothing that names it may come later
    this.#options.sendPending(edge);
    this.#order(edge, { type: "acknowledge", ...this.#options.owner, epoch, sequence });
  }

  #restart(edge: EdgeLink, said: Announcement): void {
    const epoch = Math.max(said.epoch, edge.presence.epoch);
    this.restarts += 1;
    this.#options.sendPending(edge);
    this.#options.online.removeEdge(edge.slot);
    edge.presence.lose(epoch);
    this.#order(edge, { type: "restart", ...this.#options.owner, epoch });
  }

  #order(edge: EdgeLink, order: EdgeOrder): void {
    this.#options.client.publish(edgeSubject(edge.id), encodeOrder(order));
  }
}
