// The expander: an event on a topic becomes one message for every follower and one for its author. Events are taken
// in the order in which they arrive and each is expanded to its end before the next begins, so an author's events
// reach every follower in order. What waits is bounded; what is published runs a bounded way ahead of those who
// deliver (window.ts), so that a celebrity's million followers never stand in anybody's memory at once.

import {
  BrokerError,
  checkPayload,
  type EventIds,
  encodeEvent,
  ownerOf,
  type Topic,
  topicOfEvent,
  type UserId,
  userSubject,
} from "../broker/contract.ts";
import { type BrokerClient, errorHeaders, eventHeaders, type Msg, replyOf } from "../broker/index.ts";
import type { Logger } from "../lib/log.ts";
import type { GraphStore } from "./store/store.ts";
import type { Seen } from "./tally.ts";
import type { Window } from "./window.ts";

/** Events that may wait to be expanded, and their bytes. Beyond either, an event is refused and counted. */
const MAX_WAITING_EVENTS = 50_000;
const MAX_WAITING_BYTES = 67_108_864;
interface Waiting {
  readonly topic: Topic;
  readonly payload: Uint8Array;
  readonly reply: string | undefined;
  readonly time: Date;
}

/** What happened to the events that arrived. */
export interface ExpanderCounts {
  /** Expanded to every recipient. */
  events: number;
  /** Copies published. */
  copies: number;
  /** Refused: subject or payload not of the grammar. */
  rejected: number;
  /** Refused: too many waited. */
  overloaded: number;
  /** Given up in the middle because NATS went away or the graph could not be read. */
  failed: number;
}

export interface ExpanderOptions {
  readonly store: GraphStore;
  readonly client: BrokerClient;
  readonly ids: EventIds;
  readonly window: Window;
  /** Counts who saw an event, after its copies were sent. */
  readonly count: (event: string) => Promise<Seen>;
  /** Called when events were lost, so that readers can be told. */
  readonly onLoss: (reason: string) => void;
  readonly log: Logger;
}

export class Expander {
  readonly #options: ExpanderOptions;
  readonly counts: ExpanderCounts = { events: 0, copies: 0, rejected: 0, overloaded: 0, failed: 0 };
  #queue: Waiting[] = [];
  #waitingEvents = 0;
  #waitingBytes = 0;
  #running: Promise<void> | undefined;

  constructor(options: ExpanderOptions) {
    this.#options = options;
  }

  /** Events that wait to be expanded. */
  get waiting(): number {
    return this.#waitingEvents;
  }

  /** Takes one message of `event.<topic>`. What cannot be taken is answered, where somebody asked, and counted. */
  receive(message: Msg): void {
    const reply = replyOf(message);
    let topic: Topic;
    try {
      topic = topicOfEvent(message.subject);
      checkPayload(message.data);
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      this.counts.rejected += 1;
      this.#refuse(reply, error.code === "PAYLOAD_TOO_LARGE" ? 413 : 400, error.message);
      return;
    }
    if (
      this.#waitingEvents >= MAX_WAITING_EVENTS ||
      this.#waitingBytes + message.data.length > MAX_WAITING_BYTES
    ) {
      this.counts.overloaded += 1;
      this.#refuse(
        reply,
        503,
        `${this.#waitingEvents} events wait already: send fewer a second, or add a partition`,
      );
      this.#options.onLoss("graph-overloaded");
      return;
    }
    this.#queue.push({ topic, payload: message.data, reply, time: new Date() });
    this.#waitingEvents += 1;
    this.#waitingBytes += message.data.length;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** Resolves when everything received so far has been expanded and handed to the server. */
  async settle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      this.#queue = [];
      for (const event of batch) {
        this.#waitingEvents -= 1;
        this.#waitingBytes -= event.payload.length;
        try {
          await this.#expand(event);
        } catch (error) {
          this.counts.failed += 1;
          this.#options.log.error({ topic: event.topic, err: error }, "event not expanded");
          this.#refuse(
            event.reply,
            500,
            "the event could not be expanded to everyone: see the graph service's log",
          );
          this.#options.onLoss("graph-failed");
        }
      }
    }
  }

  async #expand({ topic, payload, reply, time }: Waiting): Promise<void> {
    const { store, client, ids, window, count } = this.#options;
    const id = ids.next();
    const encoded = encodeEvent(id, topic, time, payload);
    const headers = eventHeaders(id, reply !== undefined);
    const author = ownerOf(topic);
    let recipients = 0;
    const send = (user: UserId): void => {
      if (!client.publish(userSubject(user), encoded, { headers })) {
        throw new BrokerError("NATS_DISCONNECTED", "NATS went away in the middle of an event");
      }
      recipients += 1;
    };
    if (author !== undefined) send(author);
    for (const followers of store.followers(topic)) {
      // names out of a row were checked when they went in
      for (const follower of followers) send(store.nameOf(follower) as UserId);
      if (window.advance(followers.length, encoded.length)) await window.next();
    }
    if (window.advance(1, encoded.length)) await window.next();
    this.counts.events += 1;
    this.counts.copies += recipients;
    if (reply !== undefined) void this.#answer(reply, id, recipients, count(id));
  }

  async #answer(reply: string, id: string, recipients: number, counting: Promise<Seen>): Promise<void> {
    const seen = await counting;
    this.#options.client.publish(reply, JSON.stringify({ id, recipients, ...seen }));
  }

  #refuse(reply: string | undefined, code: number, why: string): void {
    if (reply !== undefined) this.#options.client.publish(reply, "", { headers: errorHeaders(code, why) });
  }
}
