// The subscriptions of one connection. The library restores them after a reconnect; retried-subscription.ts
// restores them after a refusal. Owned by the client; one entry per subscription.

import type { NatsConnection } from "nats";
import type { Logger } from "../lib/log.ts";
import type { Msg } from "./message.ts";
import { RetriedSubscription } from "./retried-subscription.ts";

export interface Subscribed {
  /** Ends the subscription at once. Idempotent. */
  unsubscribe(): void;
}

export interface Drainable extends Subscribed {
  /** Ends the subscription once the messages that the server has already sent are handled. Idempotent. */
  drain(): Promise<void>;
}

export class Subscriptions {
  readonly #nats: NatsConnection;
  readonly #log: Logger;
  readonly #retried = new Set<RetriedSubscription>();
  readonly #grantListeners = new Set<() => void>();

  constructor(nats: NatsConnection, log: Logger) {
    this.#nats = nats;
    this.#log = log;
  }

  /** Subjects that NATS currently refuses. */
  get refused(): readonly string[] {
    return [...this.#retried].filter(({ isRefused }) => isRefused).map(({ subject }) => subject);
  }

  /** Calls `listener` whenever NATS grants a subject that it had refused. */
  onGranted(listener: () => void): void {
    this.#grantListeners.add(listener);
  }

  /** Records a refusal that the library reported for the connection and not for the subscription. */
  noteRefusal(subject: string, reason: string): void {
    for (const subscription of this.#retried)
      if (subscription.subject === subject) subscription.refuse(reason);
  }

  subscribe(subject: string, onMessage: (message: Msg) => void, queue?: string): Drainable {
    const subscription = new RetriedSubscription({
      nats: this.#nats,
      subject,
      queue,
      onMessage,
      onGranted: () => {
        for (const listener of this.#grantListeners) listener();
      },
      log: this.#log,
    });
    this.#retried.add(subscription);
    return {
      unsubscribe: () => {
        this.#retried.delete(subscription);
        subscription.unsubscribe();
      },
      drain: () => {
        this.#retried.delete(subscription);
        return subscription.drain();
      },
    };
  }
}
