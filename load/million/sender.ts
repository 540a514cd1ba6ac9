// Sends numbered messages at a rate, from random authors. When more is on its way than the system has delivered in some
// seconds, it waits: the rate that comes out then is what the system sustains, and no queue grows without end.

import { setTimeout as delay } from "node:timers/promises";
import { eventSubject, parseUserId, userSubject } from "../../broker/contract.ts";
import type { BrokerClient } from "../../broker/index.ts";
import { nowUs } from "../flood/latency.ts";
import type { Audience } from "./audience.ts";
import type { LoadKind } from "./plan.ts";

const TICK_MS = 2;
/** After a pause of this process, at most so much is sent at once. */
const CATCH_UP_MS = 250;
/** How often it is seen whether the broker keeps up. */
const FLUSH_MS = 100;
/** Messages that may be on their way: those of so many seconds at the wanted rate, but no more than the graph queues. */
const WINDOW = { seconds: 2, min: 1_000, max: 40_000 };

export interface SenderOptions {
  readonly client: BrokerClient;
  readonly audience: Audience;
  readonly run: string;
  readonly to: LoadKind;
  /** Messages a second. */
  readonly rate: number;
  readonly seconds: number;
  /** Deliveries that have arrived so far. */
  readonly delivered: () => number;
  readonly signal: AbortSignal;
}

export class Sender {
  readonly #options: SenderOptions;
  messages = 0;
  /** Deliveries that all messages so far must become. */
  expected = 0;
  /** Times that it waited because too much was on its way. */
  pauses = 0;
  /** Not sent, because NATS was away. */
  refused = 0;
  seconds = 0;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** Sends until the time is over. Resolves when the broker has taken the last message. */
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
      this.refused += 1; // counted before it has a number: what is not sent is not missed
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
