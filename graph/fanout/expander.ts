// The expander: an event on a topic becomes a copy for every follower and one for its author. Events, and the messages
// that producers send straight to users where those go through us, are taken in the order in which they arrive, and
// each is handed on to its end before the next begins; only an event with very many followers goes on in parts while
// others pass it, but none of the same topic (long-events.ts). So a sender's order holds for every recipient. What waits
// is bounded; what is handed on runs a bounded way ahead of those who deliver (window.ts), so that a celebrity's million
// followers never stand in anybody's memory at once.

import {
  BrokerError,
  checkEncoded,
  checkPayload,
  encodeEvent,
  ownerOf,
  type Topic,
  topicOfEvent,
  type UserId,
  userOfSubject,
} from "../../broker/contract.ts";
import { type BrokerClient, type Msg, replyError, replyOf } from "../../broker/index.ts";
import type { Logger } from "../../lib/log.ts";
import { GraphError } from "../errors.ts";
import type { GraphStore } from "../graph-store.ts";
import type { DeliveryCounts } from "../presence/tally.ts";
import type { DeliveryCost, Distributor, Encoded, OutgoingEvent } from "./distributor.ts";
import { LongEvents, type Parts } from "./long-events.ts";
import type { TopicIds } from "./topic-ids.ts";
import type { Window } from "./window.ts";

/** Events that may wait to be expanded, and their bytes. Beyond either, an event is refused and counted. */
const MAX_WAITING_EVENTS = 50_000;
const MAX_WAITING_BYTES = 67_108_864;
const NOT_HANDED_ON = "the event could not be handed on to everyone: see the graph service's log";
const NOBODY = new Uint32Array(0);
const NOTHING: DeliveryCost = { messages: 0, bytes: 0 };

type ForFollowers = { readonly topic: Topic };
type ForUser = { readonly user: UserId };

interface QueuedEvent<To = ForFollowers | ForUser> {
  readonly to: To;
  readonly payload: Uint8Array;
  readonly reply: string | undefined;
  readonly time: Date;
}

/** What happened to the events that arrived. */
export interface ExpanderCounts {
  /** Expanded to every recipient. */
  events: number;
  /** Messages sent straight to a user and handed on. */
  direct: number;
  /** Refused: subject or payload not of the grammar, or too large for the NATS server once encoded. */
  rejected: number;
  /** Refused: too many waited. */
  overloaded: number;
  /** Given up in the middle because NATS went away or the graph could not be read. */
  failed: number;
}

export interface ExpanderOptions {
  readonly store: GraphStore;
  readonly client: BrokerClient;
  /** How many partitions there are. */
  readonly partitions: number;
  readonly ids: TopicIds;
  readonly distributor: Distributor;
  readonly window: Window;
  /** The window of events with very many followers. */
  readonly narrowWindow: Window;
  /** Asks these edges who saw an event, after its copies were sent. */
  readonly count: (event: string, edges: readonly string[]) => Promise<DeliveryCounts>;
  /** Called when events were lost, so that readers can be told. */
  readonly onLoss: (reason: string) => void;
  readonly log: Logger;
}

export class Expander {
  readonly #options: ExpanderOptions;
  readonly counts: ExpanderCounts = { events: 0, direct: 0, rejected: 0, overloaded: 0, failed: 0 };
  readonly #long: LongEvents<QueuedEvent<ForFollowers>>;
  #queue: QueuedEvent[] = [];
  #waitingEvents = 0;
  #waitingBytes = 0;
  #running: Promise<void> | undefined;
  #open = false;

  constructor(options: ExpanderOptions) {
    this.#options = options;
    this.#long = new LongEvents({
      open: (event) => this.#begin(event),
      fail: (event, error) => this.#fail(event, error),
      flush: () => options.distributor.flush(),
      readable: () => options.store.readable,
      window: options.narrowWindow,
    });
  }

  /** Events with very many followers that are being sent. */
  get long(): number {
    return this.#long.size;
  }

  /** Events that wait to be expanded. */
  get waiting(): number {
    return this.#waitingEvents;
  }

  /** From now on what was received is handed on; before, it only waits. */
  open(): void {
    this.#open = true;
    this.#start();
  }

  /** Takes one message of `event.<topic>`. What cannot be taken is answered, where somebody asked, and counted. */
  receive(message: Msg): void {
    this.#take(message, () => ({ topic: topicOfEvent(message.subject, this.#options.partitions) }));
  }

  /** Takes one message that a producer sent straight to `user.<id>`, likewise. */
  receiveDirect(message: Msg): void {
    this.#take(message, () => ({ user: userOfSubject(message.subject) }));
  }

  #take(message: Msg, parseAddressee: () => ForFollowers | ForUser): void {
    const reply = replyOf(message);
    let to: ForFollowers | ForUser;
    try {
      to = parseAddressee();
      checkPayload(message.data);
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      this.counts.rejected += 1;
      replyError(this.#options.client, reply, error);
      return;
    }
    const bytes = this.#waitingBytes + message.data.length;
    if (this.#waitingEvents >= MAX_WAITING_EVENTS || bytes > MAX_WAITING_BYTES) {
      this.counts.overloaded += 1;
      const why = `${this.#waitingEvents} events wait already: send fewer a second, or add a partition`;
      replyError(this.#options.client, reply, new GraphError("GRAPH_OVERLOADED", why));
      this.#options.onLoss("graph-overloaded");
      return;
    }
    this.#queue.push({ to, payload: message.data, reply, time: new Date() });
    this.#waitingEvents += 1;
    this.#waitingBytes = bytes;
    this.#start();
  }

  #start(): void {
    if (!this.#open) return;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** Resolves when everything received so far has been expanded and handed to the server. */
  async settle(): Promise<void> {
    await this.#running;
    await this.#long.settle();
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      this.#queue = [];
      for (const event of batch) {
        try {
          if (this.#options.store.readable !== undefined) await this.#options.store.readable;
          if (isForUser(event)) await this.#pass(event);
          else if (isForFollowers(event)) await this.#expand(event);
        } catch (error) {
          this.#fail(event, error);
        }
      }
    }
  }

  async #expand(event: QueuedEvent<ForFollowers>): Promise<void> {
    const { topic } = event.to;
    if (this.#long.follow(topic, event)) return;
    const parts = this.#begin(event);
    const { value, done } = parts.next();
    if (done !== true) {
      this.#long.begin(topic, event, parts);
      return this.#long.room();
    }
    if (this.#options.window.advance(value)) await this.#nextWindow();
  }

  #begin(event: QueuedEvent<ForFollowers>): Parts {
    this.#left(event);
    return this.#parts(event);
  }

  /** Sends an event, a step for each part. */
  *#parts({
    to: { topic },
    payload,
    reply,
    time,
  }: QueuedEvent<ForFollowers>): Generator<DeliveryCost, DeliveryCost, void> {
    const { store, distributor, count } = this.#options;
    const encoded = this.#encode(topic, topic, time, payload);
    const copies: OutgoingEvent = { ...encoded, counted: reply !== undefined, asked: new Set() };
    const { id } = copies;
    const { part } = distributor;
    let author = ownerOf(topic);
    let recipients = author === undefined ? 0 : 1;
    let handed: DeliveryCost | undefined;
    for (const found of store.followers(topic)) {
      // in parts it lasts longer than the store keeps it for us
      const followers = found.length > part ? found.slice() : found;
      for (let at = 0; at < followers.length; at += part) {
        if (handed !== undefined) yield handed;
        const some = followers.length > part ? followers.subarray(at, at + part) : followers;
        handed = distributor.send(copies, some, author);
        recipients += some.length;
        author = undefined; // went with the first part
      }
    }
    handed ??= author === undefined ? NOTHING : distributor.send(copies, NOBODY, author);
    this.counts.events += 1;
    if (reply !== undefined) void this.#answer(reply, id, recipients, count(id, [...copies.asked]));
    return handed;
  }

  async #pass(event: QueuedEvent<ForUser>): Promise<void> {
    this.#left(event);
    const { distributor, window } = this.#options;
    const { user } = event.to;
    const encoded = this.#encode(user, undefined, event.time, event.payload);
    const handed = distributor.direct({ ...encoded, counted: false, asked: new Set() }, user);
    this.counts.direct += 1;
    if (window.advance(handed)) await this.#nextWindow();
  }

  /**
   * Encodes an event under the next id in the partition of its name; one that is refused takes no id.
   * @throws BrokerError PAYLOAD_TOO_LARGE where the NATS server does not take it once encoded
   */
  #encode(name: Topic, topic: Topic | undefined, time: Date, payload: Uint8Array): Encoded {
    const { client, ids } = this.#options;
    const json = encodeEvent(ids.upcoming(name), topic, time, payload);
    checkEncoded(json, client.maxPayload);
    return { ...ids.next(name), json };
  }

  /** It does not wait any more. */
  #left({ payload }: QueuedEvent): void {
    this.#waitingEvents -= 1;
    this.#waitingBytes -= payload.length;
  }

  #fail({ to, reply }: QueuedEvent, error: unknown): void {
    if (error instanceof BrokerError && error.code === "PAYLOAD_TOO_LARGE") {
      this.counts.rejected += 1;
      return void replyError(this.#options.client, reply, error);
    }
    this.counts.failed += 1;
    this.#options.log.error({ to, err: error }, "event not handed on");
    replyError(this.#options.client, reply, error, { hiddenText: NOT_HANDED_ON });
    this.#options.onLoss("graph-failed");
  }

  #nextWindow(): Promise<void> {
    this.#options.distributor.flush();
    return this.#options.window.next();
  }

  async #answer(
    reply: string,
    id: string,
    recipients: number,
    counting: Promise<DeliveryCounts>,
  ): Promise<void> {
    const seen = await counting;
    this.#options.client.publish(reply, JSON.stringify({ id, recipients, ...seen }));
  }
}

function isForUser(event: QueuedEvent): event is QueuedEvent<ForUser> {
  return "user" in event.to;
}

function isForFollowers(event: QueuedEvent): event is QueuedEvent<ForFollowers> {
  return "topic" in event.to;
}
