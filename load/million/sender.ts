// Sends numbered messages at a given rate, from random authors. It pauses while more messages are in flight
// than the system delivers in a few seconds. So the resulting rate is one that the system sustains, and no
// queue grows without bound.

import { setTimeout as delay } from "node:timers/promises";
import { eventSubject, parseUserId, userSubject } from "../../broker/contract.ts";
import type { BrokerClient } from "../../broker/index.ts";
import { nowUs } from "../flood/latency.ts";
import type { Audience } from "./audience.ts";
import type { LoadKind } from "./plan.ts";

const TICK_MS = 2;
/** Maximum number of messages that are sent at once after this process was paused. */
const CATCH_UP_MS = 250;
/** Interval at which the sender checks that the broker keeps up. */
const FLUSH_MS = 100;
/**
 * Maximum time in flight, in seconds at the requested rate; the number of messages is limited by the graph's
 * queue as well.
 */
const WINDOW = { seconds: 2, min: 1_000, max: 40_000 };

export interface SenderOptions {
  readonly client: BrokerClient;
  readonly audience: Audience;
  readonly run: string;
  readonly to: LoadKind;
  /** Messages per second. */
  readonly rate: number;
  readonly seconds: number;
  /** Returns the deliveries that have arrived so far. */
  readonly delivered: () => number;
  readonly signal: AbortSignal;
}

export class Sender {
  readonly #options: SenderOptions;
  messages = 0;
  /** Deliveries that are expected from all messages sent so far. */
  expected = 0;
  /** Number of pauses because too many messages were in flight. */
  pauses = 0;
  /** Messages that were not sent because NATS was unreachable. */
  refused = 0;
  seconds = 0;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** Sends until the time is over. Resolves when the broker has received the last message. */
  async send(): Promise<void> {
    const { client, rate, seconds, signal } = this.#options;
    const startedAtMs = performance.now();
    let debt = 0;
    let [lookedAtMs, flushedAtMs] = [startedAtMs, startedAtMs];
    for (let nowMs = startedAtMs; nowMs - startedAtMs < seconds * 1_000; nowMs = performance.now()) {
      signal.throwIfAborted();
      debt += (Math.min(nowMs - lookedAtMs, CATCH_UP_MS) / 1_000) * rate;
      lookedAtMs = nowMs;
      if (this.#isTooFarAhead()) {
        this.pauses += 1;
        debt = 0;
      }
      for (; debt >= 1; debt -= 1) this.#sendOne();
      if (nowMs - flushedAtMs > FLUSH_MS) {
        await client.flush();
        flushedAtMs = nowMs;
      }
      await delay(TICK_MS, undefined, { signal });
    }
    await client.flush();
    this.seconds = (performance.now() - startedAtMs) / 1_000;
  }

  #isTooFarAhead(): boolean {
    const { rate, delivered } = this.#options;
    const messages = Math.max(WINDOW.min, Math.min(WINDOW.max, WINDOW.seconds * rate));
    const deliveriesEach = this.expected / Math.max(1, this.messages);
    return this.expected - delivered() > messages * deliveriesEach;
  }

  #sendOne(): void {
    const { client, audience, run, to } = this.#options;
    if (!client.connected) {
      this.refused += 1; // before it receives a number: a message that is not sent is not expected
      return;
    }
    const author = 1 + Math.floor(Math.random() * audience.authors);
    const from = parseUserId(String(author));
    const event = `{"run":"${run}","from":"${from}","seq":${audience.numberNext(author)},"sentUs":${nowUs()}}`;
    client.publish(to === "event" ? eventSubject(from) : userSubject(from), event);
    this.messages += 1;
    this.expected += audience.sizeOf(author);
  }
}
