// A subscription that is retried until NATS grants it. The client library drops a subscription that was
// refused, and does not report every refusal to the subscription concerned. This class remembers the refusal
// and subscribes again every two seconds, because an operator may change the permissions at any time. Owned
// by the client's subscriptions; it has one timer while the subscription is refused.

import { setImmediate as nextTurn } from "node:timers/promises";
import type { NatsConnection, Subscription } from "nats";
import type { Logger } from "../lib/log.ts";
import type { Msg } from "./message.ts";

const RETRY_MS = 2_000;

export interface RetriedSubscriptionOptions {
  readonly nats: NatsConnection;
  readonly subject: string;
  /** Queue group: one of its members receives each message. */
  readonly queue: string | undefined;
  /** Must not throw; an error that it throws is logged. */
  readonly onMessage: (message: Msg) => void;
  /** Called when NATS grants the subscription after a refusal. */
  readonly onGranted: () => void;
  readonly log: Logger;
}

export class RetriedSubscription {
  readonly #options: RetriedSubscriptionOptions;
  #subscription: Subscription;
  #timer: NodeJS.Timeout | undefined;
  #isEnded = false;
  #isRefused = false;

  constructor(options: RetriedSubscriptionOptions) {
    this.#options = options;
    this.#subscription = this.#subscribe();
  }

  get subject(): string {
    return this.#options.subject;
  }

  get isRefused(): boolean {
    return this.#isRefused;
  }

  /** Records that NATS refused the subject, and schedules the next attempt. */
  refuse(reason: string): void {
    if (this.#isEnded) return;
    const { subject, log } = this.#options;
    if (!this.#isRefused) log.error({ subject, reason }, "subscription refused");
    this.#isRefused = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#retry(), RETRY_MS);
    this.#timer.unref();
  }

  /** Ends the subscription at once. Idempotent. */
  unsubscribe(): void {
    this.#end();
    this.#subscription.unsubscribe();
  }

  /** Ends the subscription after the messages that the server has already sent. Idempotent. */
  async drain(): Promise<void> {
    this.#end();
    await this.#subscription.drain().catch(() => {}); // refused or disconnected: no message is left
  }

  #end(): void {
    this.#isEnded = true;
    this.#isRefused = false;
    clearTimeout(this.#timer);
  }

  #subscribe(): Subscription {
    const { nats, subject, queue, onMessage, log } = this.#options;
    return nats.subscribe(subject, {
      ...(queue === undefined ? {} : { queue }),
      callback: (error, message) => {
        if (error !== null) return this.refuse(error.message);
        try {
          onMessage(message);
        } catch (thrown) {
          log.error({ subject, err: thrown }, "message handler failed");
        }
      },
    });
  }

  async #retry(): Promise<void> {
    const { nats, subject, onGranted, log } = this.#options;
    this.#timer = undefined;
    this.#subscription.unsubscribe();
    this.#subscription = this.#subscribe();
    try {
      await nats.flush(); // the server sends a refusal before it replies to this,
      await nextTurn(); // and the library reports the refusal by the next turn
    } catch {
      return this.refuse("the connection was lost"); // the next attempt is made after the reconnect
    }
    if (this.#isEnded || this.#timer !== undefined) return;
    this.#isRefused = false;
    log.warn({ subject }, "subscription granted");
    onGranted();
  }
}
