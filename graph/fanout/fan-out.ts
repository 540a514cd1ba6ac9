// Sends one event to all its recipients: looks up the followers of its topic and passes them to the
// distributor. A large following is sent in parts, so that a celebrity's million followers are never in
// memory at once. Afterwards replies to a sender that waits for the number of recipients.

import { BrokerError, checkEncoded, encodeEvent, ownerOf, type Topic } from "../../broker/contract.ts";
import { type BrokerClient, replyError } from "../../broker/index.ts";
import type { Logger } from "../../lib/log.ts";
import type { GraphStore } from "../graph-store.ts";
import type { EdgeRequests } from "../presence/edge-requests.ts";
import type { Losses } from "../presence/losses.ts";
import { countDeliveries } from "../presence/tally.ts";
import type { Backlog } from "./backlog.ts";
import { type Distributor, partOf } from "./distributor.ts";
import {
  type AcceptedEvent,
  type DeliveryCost,
  type ForFollowers,
  type ForUser,
  NO_COST,
  NO_FOLLOWERS,
  type OutgoingEvent,
} from "./event.ts";
import type { TopicIds } from "./topic-ids.ts";

const NOT_HANDED_ON = "the event did not reach every recipient: see the graph service's log";

/** An event that is sent in parts. Each step sends one part and yields its cost; the last step returns it. */
export type EventParts = Generator<DeliveryCost, DeliveryCost, void>;

export interface FanOutOptions {
  readonly store: GraphStore;
  readonly client: BrokerClient;
  readonly ids: TopicIds;
  readonly backlog: Backlog;
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
    /** Messages from producers to one user that were passed on. */
    direct: number;
    /** Events refused because they are too large for the NATS server once encoded. */
    rejected: number;
    /** Events aborted because NATS disconnected or the graph could not be read. */
    failed: number;
  } = { expanded: 0, direct: 0, rejected: 0, failed: 0 };

  constructor(options: FanOutOptions) {
    this.#options = options;
  }

  /**
   * Begins the fan-out of an event and removes it from the backlog. Nothing is sent before the first step.
   */
  begin(event: AcceptedEvent<ForFollowers>): EventParts {
    this.#options.backlog.remove(event);
    return this.#parts(event);
  }

  /** Sends a message to its only recipient. */
  direct(event: AcceptedEvent<ForUser>): DeliveryCost {
    this.#options.backlog.remove(event);
    const { user } = event.to;
    const copy = this.#encode(user, undefined, event);
    const cost = this.#options.distributor.direct(copy, user);
    this.counts.direct += 1;
    return cost;
  }

  /** Reports an event that did not reach every recipient. */
  fail({ to, reply }: AcceptedEvent, error: unknown): void {
    const { client, log, losses } = this.#options;
    replyError(client, reply, error, { hiddenText: NOT_HANDED_ON });
    if (error instanceof BrokerError && error.code === "PAYLOAD_TOO_LARGE") {
      this.counts.rejected += 1;
      return;
    }
    this.counts.failed += 1;
    log.error({ to, err: error }, "event not sent to every recipient");
    losses.tell("graph-failed");
  }

  /** Sends an event, one part per step. */
  *#parts(event: AcceptedEvent<ForFollowers>): EventParts {
    const { store, distributor } = this.#options;
    const { topic } = event.to;
    const copies = this.#encode(topic, topic, event);
    let survey = distributor.survey();
    const part = partOf(survey);
    let author = ownerOf(topic);
    let recipients = author === undefined ? 0 : 1;
    let handed: DeliveryCost | undefined;
    for (const found of store.followers(topic)) {
      // sending in parts takes longer than the store keeps the set for its caller
      const followers = found.length > part ? found.slice() : found;
      for (let at = 0; at < followers.length; at += part) {
        if (handed !== undefined) {
          yield handed;
          survey = distributor.survey(); // edges may have come and gone since
        }
        const some = followers.length > part ? followers.subarray(at, at + part) : followers;
        handed = distributor.send(copies, some, author, survey);
        recipients += some.length;
        author = undefined; // sent with the first part
      }
    }
    handed ??= author === undefined ? NO_COST : distributor.send(copies, NO_FOLLOWERS, author, survey);
    this.counts.expanded += 1;
    if (event.reply !== undefined) void this.#reply(event.reply, copies, recipients);
    return handed;
  }

  /**
   * Encodes an event under the next id of its partition, which is that of the given name. An event that is
   * refused uses up no id, so that the ids of a partition have no gap.
   * @throws BrokerError PAYLOAD_TOO_LARGE if the NATS server does not accept the encoded event
   */
  #encode(name: Topic, topic: Topic | undefined, { time, payload, reply }: AcceptedEvent): OutgoingEvent {
    const { client, ids } = this.#options;
    const json = encodeEvent(ids.upcoming(name), topic, time, payload);
    checkEncoded(json, client.maxPayload);
    const counted = topic !== undefined && reply !== undefined;
    return { ...ids.next(name), json, counted, asked: new Set() };
  }

  async #reply(reply: string, { id, asked }: OutgoingEvent, recipients: number): Promise<void> {
    const { client, requests } = this.#options;
    const seen = await countDeliveries(requests, [...asked], id);
    client.publish(reply, JSON.stringify({ id, recipients, ...seen }));
  }
}
