// `subject` fan-out: one NATS subscription a connected user, shared by all of that user's streams here. It heals by
// itself (the client subscribes anew after every reconnect) and needs nothing of the graph but its publishing. About
// 1.1 KB of heap a user.

import {
  BrokerError,
  checkEncoded,
  directMessageId,
  encodeEvent,
  isUserId,
  looksEncoded,
  parseEventId,
  type StreamPosition,
  USER_PREFIX,
  type UserId,
  userSubject,
} from "../../broker/contract.ts";
import {
  type BrokerClient,
  COUNT_HEADER,
  EVENT_HEADER,
  type Msg,
  replyError,
  replyOf,
  type Subscribed,
} from "../../broker/index.ts";
import { JOIN_MS } from "../config.ts";
import { PositionedEvent } from "../formats/positioned-event.ts";
import type { ConnectionPool } from "../pool/pool.ts";
import type { EventTallies } from "../presence/tallies.ts";
import type { Fanout, FanoutCounts } from "./fanout.ts";
import type { Readers } from "./readers.ts";

/** Events whose frames are kept for the next recipient; the copies of one event come close together. */
const KEPT_EVENTS = 64;

export interface SubjectFanoutOptions {
  readonly client: BrokerClient;
  readonly pool: ConnectionPool;
  /** Counts who joins and leaves here. */
  readonly readers: Readers;
  readonly tallies: EventTallies;
  /** Names this edge in the ids of messages that producers send straight to users. */
  readonly edgeId: string;
  /** Moves with every event that the graph expanded. */
  readonly position: StreamPosition;
}

export class SubjectFanout implements Fanout {
  readonly counts: FanoutCounts = { messages: 0, rejected: 0 };
  readonly #options: SubjectFanoutOptions;
  /** By handle. */
  readonly #subscriptions: (Subscribed | undefined)[] = [];
  readonly #recent = new Map<string, PositionedEvent>();
  readonly #decoder = new TextDecoder();
  #flushing: Promise<boolean> | undefined;
  #directMessages = 0;

  constructor(options: SubjectFanoutOptions) {
    this.#options = options;
  }

  async join(users: readonly UserId[]): Promise<boolean> {
    const handles = this.#options.readers.join(users);
    for (const [index, user] of users.entries()) {
      const handle = handles[index];
      if (handle !== undefined) this.#subscriptions[handle] ??= this.#subscribe(user);
    }
    return this.#flushSoon();
  }

  leave(users: readonly UserId[]): void {
    const { pool, readers } = this.#options;
    for (const handle of readers.leave(users)) {
      this.#subscriptions[handle]?.unsubscribe();
      this.#subscriptions[handle] = undefined;
      pool.table.release(handle);
    }
  }

  #subscribe(user: UserId): Subscribed {
    return this.#options.client.subscribeBare(userSubject(user), this.#onMessage);
  }

  /** One flush for everyone who joins in the same turn. */
  #flushSoon(): Promise<boolean> {
    this.#flushing ??= Promise.resolve().then(() => {
      this.#flushing = undefined;
      return flushWithin(this.#options.client, JOIN_MS);
    });
    return this.#flushing;
  }

  // an arrow function: one for all subscriptions
  readonly #onMessage = (error: Error | null, message: Msg): void => {
    this.counts.messages += 1;
    const user = message.subject?.slice(USER_PREFIX.length) ?? "";
    if (error !== null || !isUserId(user)) {
      this.counts.rejected += 1;
      return;
    }
    const { headers } = message; // decoded at each look
    const eventId = headers?.get(EVENT_HEADER) ?? "";
    const event = eventId === "" ? this.#direct(message) : this.#expanded(eventId, message.data);
    if (event === undefined) {
      this.counts.rejected += 1;
      return;
    }
    const { pool, tallies } = this.#options;
    const delivered = pool.deliver(pool.table.find(user), event);
    if (delivered !== undefined && headers?.get(COUNT_HEADER) === "1") tallies.note(eventId, user, delivered);
  };

  /** A copy of an event that the graph expanded. The first copy moves the stream's position. */
  #expanded(id: string, data: Uint8Array): PositionedEvent | undefined {
    const known = this.#recent.get(id);
    if (known !== undefined) return known;
    const at = parseEventId(id);
    if (at === undefined || !looksEncoded(data)) return undefined;
    const event = new PositionedEvent(id, this.#decoder.decode(data), this.#options.position.advance(at));
    this.#recent.set(id, event);
    const [oldest] = this.#recent.keys();
    if (this.#recent.size > KEPT_EVENTS && oldest !== undefined) this.#recent.delete(oldest);
    return event;
  }

  /**
   * A message that a producer sent straight to the user. Judged as the graph judges it for edges in `frames`
   * mode.
   */
  #direct(message: Msg): PositionedEvent | undefined {
    this.#directMessages += 1;
    const id = directMessageId(this.#options.edgeId, this.#directMessages);
    try {
      const json = encodeEvent(id, undefined, new Date(), message.data);
      checkEncoded(json, this.#options.client.maxPayload);
      return new PositionedEvent(id, this.#decoder.decode(json), this.#options.position.cursor);
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      replyError(this.#options.client, replyOf(message), error);
      return undefined;
    }
  }
}

/** True once the server has processed what we sent; false when that takes longer, or NATS is away. */
async function flushWithin(client: BrokerClient, ms: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const flushed = client.flush().then(
    () => true,
    () => false, // NATS is away: the stream starts unsure and says so
  );
  try {
    return await Promise.race([flushed, late]);
  } finally {
    clearTimeout(timer);
  }
}
