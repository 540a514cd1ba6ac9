// Sends one event to all its recipients: looks up the followers of its topic and passes them to the
// distributor. A large following is sent in parts, so that a celebrity's million followers are never in
// memory at once. Then replies to a sender who asked for a count.

import { ownerOf } from "../../broker/contract.ts";
import { type BrokerClient, replyError } from "../../broker/index.ts";
import type { Logger } from "../../lib/log.ts";
import type { GraphStore } from "../graph-store.ts";
import type { History } from "../history/history.ts";
import type { EdgeRequests } from "../presence/edge-requests.ts";
import type { Losses } from "../presence/losses.ts";
import { countDeliveries } from "../presence/tally.ts";
import { type Distributor, partOf } from "./distributor.ts";
import {
  type DeliveryCost,
  type ForFollowers,
  type ForUser,
  NO_COST,
  NO_FOLLOWERS,
  type OutgoingEvent,
} from "./event.ts";

const NOT_SENT_TO_ALL = "the event could not be sent to all recipients: see the graph service's log";

/** An event in parts: each step sends one part and yields its cost; the last step returns its cost. */
export type EventParts = Generator<DeliveryCost, DeliveryCost, void>;

export interface FanOutOptions {
  readonly store: GraphStore;
  readonly client: BrokerClient;
  readonly history: History;
  readonly distributor: Distributor;
  readonly requests: EdgeRequests;
  readonly losses: Losses;
  readonly log: Logger;
}

export class FanOut {
  readonly #options: FanOutOptions;
  readonly counts: {
    /** Events sent to every recipient. */
    expanded: number;
    /** Messages sent directly to a user. */
    direct: number;
    /**
     * Events aborted before all recipients were reached, because NATS disconnected or the graph could not be
     * read.
     */
    failed: number;
    /** Events never sent: they had left memory while the disk rejected writes. */
    lost: number;
  } = { expanded: 0, direct: 0, failed: 0, lost: 0 };

  constructor(options: FanOutOptions) {
    this.#options = options;
  }

  /** Begins an event. Nothing is sent before the first step. */
  begin(event: OutgoingEvent<ForFollowers>): EventParts {
    return this.#parts(event);
  }

  /** Sends a message to its only recipient. */
  direct(event: OutgoingEvent<ForUser>): DeliveryCost {
    const cost = this.#options.distributor.direct(event, event.to.user);
    this.counts.direct += 1;
    return cost;
  }

  /**
   * Replies with an error for an event that could not be sent to all recipients, and tells readers to resync.
   */
  reportFailed({ to, reply }: OutgoingEvent, error: unknown): void {
    const { client, log, losses } = this.#options;
    replyError(client, reply, error, { hiddenText: NOT_SENT_TO_ALL });
    this.counts.failed += 1;
    log.error({ to, err: error }, "event not sent to all recipients");
    losses.tell("graph-failed");
  }

  /** Counts an event that could not be read from the history, and tells readers to resync. */
  reportLost(): void {
    this.counts.lost += 1;
    this.#options.losses.tell("graph-failed");
  }

  /** Sends an event, one part per step. */
  *#parts(event: OutgoingEvent<ForFollowers>): EventParts {
    const { store, distributor } = this.#options;
    const { topic } = event.to;
    let survey = distributor.survey();
    const part = partOf(survey);
    let author = ownerOf(topic);
    let recipients = author === undefined ? 0 : 1;
    let handed: DeliveryCost | undefined;
    for (const found of store.followers(topic)) {
      // copied if sent in several parts, because the array is valid only until the store's next call
      const followers = found.length > part ? found.slice() : found;
      for (let at = 0; at < followers.length; at += part) {
        if (handed !== undefined) {
          yield handed;
          survey = distributor.survey(); // edges may have come or gone since the last part
        }
        const some = followers.length > part ? followers.subarray(at, at + part) : followers;
        handed = distributor.send(event, some, author, survey);
        recipients += some.length;
        author = undefined; // included in the first part
      }
    }
    handed ??= author === undefined ? NO_COST : distributor.send(event, NO_FOLLOWERS, author, survey);
    this.counts.expanded += 1;
    if (event.reply !== undefined) void this.#reply(event.reply, event, recipients);
    return handed;
  }

  async #reply(reply: string, { id, asked }: OutgoingEvent, recipients: number): Promise<void> {
    const { client, history, requests } = this.#options;
    const seen = await countDeliveries(requests, [...asked], id);
    await history.flush();
    client.publish(reply, JSON.stringify({ id, recipients, ...seen }));
  }
}
