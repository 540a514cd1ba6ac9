// Publishes numbered events for the checker: plain ones at a rate, and ones that are repeated until the graph
// has replied. The rate is kept over time rather than per tick, so a slow machine publishes as much in all.
// Owned by a test, which stops it.

import { randomBytes } from "node:crypto";
import { headers } from "nats";
import type { BrokerClient, Published } from "../../broker/index.ts";
import type { Random } from "../../graph/index.ts";
import type { Ledger } from "./checker.ts";
import { inboxOf } from "./received.ts";

const TICK_MS = 5;
const REPLY_MS = 1_500;
const AGAIN_MS = 20;
/** Time after which a missing reply fails the test. */
const PATIENCE_MS = 40_000;
/** Payloads are mostly small; one in so many is large enough to be split over several packets. */
const LARGE_EVERY = 40;
/** The last topic of a load is a celebrity's: one event in so many. */
const CELEBRITY_EVERY = 40;
const CELEBRITY_PAUSE = 5;
const SMALL_BYTES = 200;
const LARGE_BYTES = 20_000;

export interface LoadOptions {
  readonly client: BrokerClient;
  readonly ledger: Ledger;
  readonly random: Random;
  /** Users to whom messages are sent directly: one in eight. */
  readonly users: () => readonly string[];
  readonly perSecond: number;
  /** Whether plain events are held back at this moment. */
  readonly isHeldBack?: () => boolean;
}

export class Load {
  readonly #options: LoadOptions;
  #timer: NodeJS.Timeout | undefined;
  #startedAtMs = 0;
  #published = 0;
  #unflushed: [topic: string, n: number][] = [];
  #confirming: Promise<void>[] = [];
  #isStopping = false;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  /** Publishes plain events, which are at most once until they reach the graph, and messages to users. */
  start(topics: readonly string[]): void {
    this.#startedAtMs = performance.now();
    this.#published = 0;
    this.#timer = setInterval(() => this.#tick(topics), TICK_MS);
  }

  /**
   * Publishes counted events, each repeated with its message id until the graph has replied: one at a time
   * per topic, so that their order is kept. Their topics must differ from those of plain events.
   */
  startConfirmed(topics: readonly string[]): void {
    this.#isStopping = false;
    const intervalMs = (1_000 * topics.length) / this.#options.perSecond;
    this.#confirming = topics.map((topic, nth) => {
      const isRare = nth === topics.length - 1;
      const confirming = this.#confirm(topic, isRare ? intervalMs * CELEBRITY_PAUSE : intervalMs);
      confirming.catch(() => {}); // thrown by `stop`
      return confirming;
    });
  }

  /** Publishes nothing further, and resolves when all that was published has reached the broker. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#isStopping = true;
    const ends = await Promise.allSettled(this.#confirming);
    for (const end of ends) if (end.status === "rejected") throw end.reason;
    await this.#noteSent();
  }

  /** Publishes one event. */
  publish(topic: string, payloadBytes: number = this.#size()): void {
    const { client, ledger } = this.#options;
    const n = ledger.publish(topic);
    const result = client.publish(`event.${topic}`, payloadOf(n, payloadBytes));
    this.#note(topic, n, result);
  }

  /** Sends one message to a user. */
  send(user: string, payloadBytes: number = this.#size()): void {
    const { client, ledger } = this.#options;
    const n = ledger.publish(inboxOf(user));
    this.#note(inboxOf(user), n, client.publish(`user.${user}`, payloadOf(n, payloadBytes)));
  }

  /** Publishes a counted event, and repeats it until the graph replies. Returns its number. */
  async request(topic: string, payloadBytes: number = this.#size()): Promise<number> {
    const { client, ledger } = this.#options;
    const n = ledger.publish(topic, "unsure");
    const payload = payloadOf(n, payloadBytes);
    const id = headers();
    id.set("Nats-Msg-Id", `${randomBytes(8).toString("hex")}-${n}`);
    const startedAtMs = performance.now();
    while (!(await isAnswered(client, `event.${topic}`, payload, id)))
      if (performance.now() > startedAtMs + PATIENCE_MS)
        throw new Error(`the graph has not replied to event ${n} of ${topic} for ${PATIENCE_MS} ms`);
    ledger.stored(topic, n);
    return n;
  }

  #tick(topics: readonly string[]): void {
    const { perSecond, isHeldBack } = this.#options;
    const due = ((performance.now() - this.#startedAtMs) * perSecond) / 1_000;
    if (isHeldBack?.() === true) this.#published = due;
    for (; this.#published < due; this.#published += 1) {
      const { random } = this.#options;
      const users = this.#options.users();
      if (users.length > 0 && random.below(8) === 0) this.send(users[random.below(users.length)] as string);
      else if (random.below(CELEBRITY_EVERY) === 0) this.publish(topics.at(-1) as string);
      else this.publish(topics[random.below(topics.length - 1)] as string);
    }
    void this.#noteSent();
  }

  #note(topic: string, n: number, result: Published): void {
    if (result === "sent") this.#unflushed.push([topic, n]);
    else this.#options.ledger.unsent(topic, n);
  }

  /** Notes when the broker has what was published until now. */
  async #noteSent(): Promise<void> {
    const { client, ledger } = this.#options;
    const published = this.#unflushed;
    this.#unflushed = [];
    try {
      await client.flush();
      for (const [topic, n] of published) ledger.sent(topic, n);
    } catch {
      // NATS is away: whether it has them is not known
    }
  }

  async #confirm(topic: string, intervalMs: number): Promise<void> {
    const startedAtMs = performance.now();
    for (let nth = 0; !this.#isStopping; nth += 1) {
      await this.request(topic);
      const restMs = startedAtMs + nth * intervalMs - performance.now();
      if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs));
    }
  }

  #size(): number {
    const { random } = this.#options;
    return random.below(LARGE_EVERY) === 0 ? random.below(LARGE_BYTES) : random.below(SMALL_BYTES);
  }
}

function payloadOf(n: number, bytes: number): string {
  return JSON.stringify({ n, pad: "x".repeat(bytes) });
}

async function isAnswered(
  client: BrokerClient,
  subject: string,
  payload: string,
  id: ReturnType<typeof headers>,
): Promise<boolean> {
  try {
    const reply = await client.request(subject, payload, REPLY_MS, id);
    return "id" in reply.json<object>();
  } catch {
    // no graph, or NATS is away: the same event is sent again
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    return false;
  }
}
