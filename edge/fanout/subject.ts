// The `subject` fan-out: one NATS subscription per connected user, shared by all of that user's streams on
// this edge. It recovers without help, because the client restores subscriptions after every reconnect, and
// needs nothing from the graph except its copies. About 1.1 KB of heap per user.

import {
  COPY_PREFIX,
  copySubject,
  isUserId,
  looksEncoded,
  parseEventId,
  type StreamPosition,
  type UserId,
} from "../../broker/contract.ts";
import {
  type BrokerClient,
  COUNT_HEADER,
  EVENT_HEADER,
  type Msg,
  type Subscribed,
} from "../../broker/index.ts";
import { JOIN_MS } from "../config.ts";
import { PositionedEvent } from "../formats/positioned-event.ts";
import type { ConnectionPool } from "../pool/pool.ts";
import type { EventTallies } from "../presence/tallies.ts";
import type { Fanout, FanoutCounts } from "./fanout.ts";
import type { Readers } from "./readers.ts";

/** Events kept for their next recipients; the copies of one event arrive close together. */
const KEPT_EVENTS = 64;

export interface SubjectFanoutOptions {
  readonly client: BrokerClient;
  readonly pool: ConnectionPool;
  /** Counts the streams of each user. */
  readonly readers: Readers;
  readonly tallies: EventTallies;
  /** Advances with every event that the graph expanded. */
  readonly position: StreamPosition;
}

export class SubjectFanout implements Fanout {
  readonly counts: FanoutCounts = { messages: 0, rejected: 0 };
  readonly #options: SubjectFanoutOptions;
  /** Indexed by handle. */
  readonly #subscriptions: (Subscribed | undefined)[] = [];
  readonly #recent = new Map<string, PositionedEvent>();
  readonly #decoder = new TextDecoder();
  #flushing: Promise<boolean> | undefined;

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
    return this.#options.client.subscribeBare(copySubject(user), this.#onMessage);
  }

  /** Flushes once for all users who join in the same turn of the event loop. */
  #flushSoon(): Promise<boolean> {
    this.#flushing ??= Promise.resolve().then(() => {
      this.#flushing = undefined;
      return flushWithin(this.#options.client, JOIN_MS);
    });
    return this.#flushing;
  }

  // an arrow function, so that all subscriptions share one callback
  readonly #onMessage = (error: Error | null, message: Msg): void => {
    this.counts.messages += 1;
    const user = message.subject?.slice(COPY_PREFIX.length) ?? "";
    if (error !== null || !isUserId(user)) {
      this.counts.rejected += 1;
      return;
    }
    const { headers } = message; // the library decodes headers on each access
    const eventId = headers?.get(EVENT_HEADER) ?? "";
    const event = this.#expanded(eventId, message.data);
    if (event === undefined) {
      this.counts.rejected += 1;
      return;
    }
    const { pool, tallies } = this.#options;
    const delivered = pool.deliver(pool.table.find(user), event);
    if (delivered !== undefined && headers?.get(COUNT_HEADER) === "1") tallies.note(eventId, user, delivered);
  };

  /** Returns a copy of an event that the graph expanded. The first copy of an event advances the position. */
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
}

/**
 * Resolves with true once the server has processed everything sent so far; with false after `ms`, or if NATS
 * is away.
 */
async function flushWithin(client: BrokerClient, ms: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const flushed = client.flush().then(
    () => true,
    () => false, // NATS is away: the stream starts anyway, with a resync
  );
  try {
    return await Promise.race([flushed, late]);
  } finally {
    clearTimeout(timer);
  }
}
