// Sends one event to all its recipients: looks up the followers of its topic and passes them to the
// distributor. A large following is sent in parts, so that a celebrity's million followers are never in
// memory at once. Then replies to a sender who asked for a count.

import { fitsMessage, ownerOf, type Topic } from "../../broker/contract.ts";
import { type BrokerClient, replyError } from "../../broker/index.ts";
import type { Logger } from "../../lib/log.ts";
import type { GraphStore } from "../graph-store.ts";
import type { History } from "../history/history.ts";
import type { Losses } from "../intake/losses.ts";
import type { Receipts } from "../intake/receipts.ts";
import type { Survey } from "../presence/edge-registry.ts";
import type { EdgeRequests } from "../presence/edge-requests.ts";
import { countDeliveries } from "../presence/tally.ts";
import { type Distributor, partOf } from "./distributor.ts";
import {
  type DeliveryCost,
  type EventTo,
  type ForFollowers,
  isForUser,
  NO_FOLLOWERS,
  type OutgoingEvent,
} from "./event.ts";
import type { OpenedEvent } from "./opened-event.ts";

const NOT_SENT_TO_ALL = "the event could not be sent to all recipients: see the graph service's log";

/** An event in parts: each step sends one part and yields its cost. */
export type EventParts = Generator<DeliveryCost, void, void>;

export interface FanOutOptions {
  readonly store: GraphStore;
  readonly client: BrokerClient;
  readonly history: History;
  readonly distributor: Distributor;
  readonly requests: EdgeRequests;
  readonly losses: Losses;
  readonly receipts: Receipts;
  readonly log: Logger;
}

export class FanOut {
  readonly #options: FanOutOptions;
  readonly counts: {
    /** Events sent to every recipient. */
    expanded: number;
    /** Messages sent directly to a user. */
    direct: number;
    /** Events aborted before all recipients were reached, because the graph could not be read. */
    failed: number;
    /** Events never sent: they had left memory while the disk rejected writes. */
    lost: number;
  } = { expanded: 0, direct: 0, failed: 0, lost: 0 };

  constructor(options: FanOutOptions) {
    this.#options = options;
  }

  /** Returns a topic's followers if they are sent an event in one turn; undefined if that takes parts. */
  fewFollowers(topic: Topic, survey: Survey): Uint32Array | undefined {
    return fewOf(this.#options.store.followers(topic), partOf(survey));
  }

  /**
   * Sends an event to these followers, all that its topic has, and to its author, or to its only recipient.
   */
  send(event: OutgoingEvent, followers: Uint32Array, survey: Survey): DeliveryCost {
    const { distributor } = this.#options;
    if (isForUser(event)) {
      this.counts.direct += 1;
      return distributor.send(event, NO_FOLLOWERS, event.to.user, survey);
    }
    const author = ownerOf(event.to.topic);
    const cost = distributor.send(event, followers, author, survey);
    this.#finish(event, followers.length + (author === undefined ? 0 : 1));
    return cost;
  }

  /** Sends a long event that has begun, one part per step, and ends it with the last step. */
  *parts(opened: OpenedEvent<EventTo<ForFollowers>>): EventParts {
    const { store, distributor } = this.#options;
    const { event } = opened;
    const { topic } = event.to;
    let author = ownerOf(topic);
    let recipients = author === undefined ? 0 : 1;
    for (const followers of inParts(store.followers(topic), () => partOf(distributor.survey()))) {
      // edges may have come or gone since the last part
      yield distributor.sendPart(opened, followers, author, distributor.survey());
      recipients += followers.length;
      author = undefined; // included in the first part
    }
    if (author !== undefined) yield distributor.sendPart(opened, NO_FOLLOWERS, author, distributor.survey());
    opened.close();
    this.#finish(event, recipients);
  }

  /** Replies with an error for an event that could not be sent to all recipients, and tells readers. */
  reportFailed({ to, reply, partition, timeMs }: OutgoingEvent, error: unknown): void {
    const { client, log, losses } = this.#options;
    replyError(client, reply, error, { hiddenText: NOT_SENT_TO_ALL });
    this.counts.failed += 1;
    log.error({ to, err: error }, "event not sent to all recipients");
    losses.note(partition, timeMs);
  }

  /** Whether a stored event fits into a message: the server may take smaller ones than when it was stored. */
  fits(json: Uint8Array): boolean {
    return fitsMessage(json, this.#options.client.maxPayload);
  }

  /** Counts an event that could not be read from the history, and tells readers. */
  reportLost(ordinal: number): void {
    const { history, losses } = this.#options;
    this.counts.lost += 1;
    losses.note(history.placeOf(ordinal).partition, history.earliestTimeOf(ordinal));
  }

  #finish(event: OutgoingEvent, recipients: number): void {
    this.counts.expanded += 1;
    if (event.reply !== undefined) void this.#reply(event.reply, event, recipients);
  }

  async #reply(reply: string, { id, asked }: OutgoingEvent, recipients: number): Promise<void> {
    const { client, history, requests, receipts } = this.#options;
    const seen = await countDeliveries(requests, [...asked], id);
    await history.flush();
    client.publish(reply, receipts.encode(id, { recipients, ...seen }));
  }
}

/** Returns a row of followers if it has at most `max`. */
export function fewOf(sets: Iterable<Uint32Array>, max: number): Uint32Array | undefined {
  let few = NO_FOLLOWERS;
  for (const found of sets) {
    if (few.length > 0 || found.length > max) return undefined;
    few = found.slice(); // valid only until the next set is requested
  }
  return few;
}

/** Returns a row of followers in arrays of bounded length, which stay valid. */
export function* inParts(sets: Iterable<Uint32Array>, max: () => number): Generator<Uint32Array, void, void> {
  for (const found of sets) {
    const followers = found.slice();
    for (let at = 0; at < followers.length; ) {
      const part = max();
      yield followers.subarray(at, at + part);
      at += part;
    }
  }
}
