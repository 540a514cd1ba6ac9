// Sends rows of the history to edges that catch up, as if the event had just begun: to those of its
// recipients who are connected there, by the graph of now. Stateless apart from counters.

import { FRAME_KIND, fitsMessage, ownerOf } from "../../broker/contract.ts";
import { type BrokerClient, encodeHole } from "../../broker/index.ts";
import type { Logger } from "../../lib/log.ts";
import type { GraphStore } from "../graph-store.ts";
import type { History, StoredRow } from "../history/history.ts";
import { makeHole } from "../history/hole.ts";
import { ROW_KIND } from "../history/row.ts";
import type { EdgeLink } from "../presence/edge-registry.ts";
import type { Distributor } from "./distributor.ts";
import type { EdgeMessages } from "./edge-messages.ts";
import {
  type DeliveryCost,
  isForUser,
  NO_COST,
  NO_FOLLOWERS,
  type OutgoingEvent,
  outgoingEvent,
} from "./event.ts";
import { fewOf, inParts } from "./fan-out.ts";
import type { Window } from "./window.ts";

/** Followers looked up per turn of the event loop. */
const FOLLOWERS_PER_TURN = 8_192;

export interface ResentRowsOptions {
  readonly client: Pick<BrokerClient, "maxPayload">;
  readonly store: GraphStore;
  readonly history: History;
  readonly messages: EdgeMessages;
  readonly distributor: Distributor;
  /** Bounds how far all catch-ups together run ahead of the edges. */
  readonly window: Window;
  readonly log: Logger;
}

export class ResentRows {
  readonly #options: ResentRowsOptions;
  /** The number of rows that were sent to edges. One row may be sent to several edges. */
  sent = 0;

  constructor(options: ResentRowsOptions) {
    this.#options = options;
  }

  /** Sends a row to these edges. Resolves when more may be sent; never rejects. */
  async send(ordinal: number, edges: readonly EdgeLink[]): Promise<void> {
    const { client, history, messages, window, log } = this.#options;
    const row = history.read(ordinal);
    if (row === undefined) return; // a hole comes after it
    let cost = NO_COST;
    try {
      if (row.kind === ROW_KIND.hole)
        for (const edge of edges) messages.tell(edge, row.partition, FRAME_KIND.hole, row.body, row);
      else if (!fitsMessage(row.body, client.maxPayload)) this.#tellLost(row, edges);
      else if (isEvent(row)) cost = await this.#sendEvent(outgoingEvent(ordinal, row, undefined), edges);
      this.sent += 1;
    } catch (error) {
      log.error({ err: error }, "event not sent to edges that catch up");
      this.#tellLost(row, edges);
    }
    if (window.advance(cost)) await window.next();
  }

  /** Sends an event again that an edge has received in part. Never rejects. */
  async sendOpen(ordinal: number, edge: EdgeLink): Promise<void> {
    const { history, messages, log } = this.#options;
    const row = history.read(ordinal);
    const event = row !== undefined && isEvent(row) ? outgoingEvent(ordinal, row, undefined) : undefined;
    try {
      if (event !== undefined) return await this.#sendLong(event, [edge]);
      // it was removed, and is no longer delivered
      const { partition, ...at } = history.placeOf(ordinal);
      messages.tell(edge, partition, FRAME_KIND.close, new Uint8Array(0), at);
    } catch (error) {
      log.error({ err: error }, "event not sent to an edge that catches up");
      if (row !== undefined) this.#tellLost(row, [edge]);
    }
  }

  async #sendEvent(event: OutgoingEvent, edges: readonly EdgeLink[]): Promise<DeliveryCost> {
    const { store, distributor } = this.#options;
    const isIn = (edge: EdgeLink): boolean => edges.includes(edge);
    if (isForUser(event)) return distributor.resend(event, NO_FOLLOWERS, event.to.user, isIn);
    const { topic } = event.to;
    const few = fewOf(store.followers(topic), FOLLOWERS_PER_TURN);
    if (few !== undefined) return distributor.resend(event, few, ownerOf(topic), isIn);
    await this.#sendLong(event, edges);
    return NO_COST;
  }

  async #sendLong(event: OutgoingEvent, edges: readonly EdgeLink[]): Promise<void> {
    const { store, distributor, window } = this.#options;
    const opened = distributor.reopen(event, edges);
    try {
      const { to } = event;
      if ("user" in to) distributor.resendPart(opened, NO_FOLLOWERS, to.user);
      else {
        distributor.resendPart(opened, NO_FOLLOWERS, ownerOf(to.topic));
        for (const some of inParts(store.followers(to.topic), () => FOLLOWERS_PER_TURN)) {
          if (window.advance(distributor.resendPart(opened, some, undefined))) await window.next();
          await new Promise(setImmediate);
        }
      }
    } finally {
      opened.close();
    }
  }

  #tellLost(row: StoredRow, edges: readonly EdgeLink[]): void {
    const { history, messages } = this.#options;
    const hole = encodeHole(makeHole("late", row.timeMs, history.oldestMs));
    for (const edge of edges) messages.tell(edge, row.partition, FRAME_KIND.hole, hole, row);
  }
}

function isEvent({ kind }: StoredRow): boolean {
  return kind === ROW_KIND.event || kind === ROW_KIND.direct;
}
