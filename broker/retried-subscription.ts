// What listens at NATS and may be refused. The client library forgets a subscription that was refused, and ends a whole micro
// service for one; some refusals it does not even match with what they are about. What is kept here says that it is refused,
// and asks again until it is granted. Owned by the client; one timer while it is refused.

import { setImmediate as nextTurn } from "node:timers/promises";
import type { Logger } from "../lib/log.ts";

/** Permissions change when somebody changes them: soon enough for them to see it, seldom enough to ask for ever. */
const ASK_AGAIN_MS = 2_000;

export interface RetriedSubscriptionOptions {
  readonly log: Logger;
  /** Asks NATS (anew); what was asked for before is given up. */
  readonly open: () => void | Promise<void>;
  /** Resolves when NATS has answered all that was asked before. */
  readonly flush: () => Promise<void>;
  /** Whether a refused subject is one of its own. */
  readonly hears: (subject: string) => boolean;
  /** Called when it is granted after it was refused. */
  readonly onGranted: () => void;
}

export class RetriedSubscription {
  readonly #options: RetriedSubscriptionOptions;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;
  /** The subject that NATS refuses, as far as is known; undefined while it refuses none. */
  refused: string | undefined;

  constructor(options: RetriedSubscriptionOptions) {
    this.#options = options;
  }

  /** NATS refuses a subject: a matter of this one, or of others. */
  refuse(subject: string, reason: string): void {
    if (this.#isOver || !this.#options.hears(subject)) return;
    if (this.refused === undefined) this.#options.log.error({ subject, reason }, "subscription refused");
    this.refused = subject;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#askAgain(), ASK_AGAIN_MS);
    this.#timer.unref();
  }

  /** Nothing is asked for any more. Idempotent. */
  end(): void {
    this.#isOver = true;
    this.refused = undefined;
    clearTimeout(this.#timer);
  }

  async #askAgain(): Promise<void> {
    const { open, flush, log, onGranted } = this.#options;
    const subject = this.refused ?? "";
    this.#timer = undefined;
    try {
      await open();
      await flush(); // a refusal is said before the answer to this,
      await nextTurn(); // and heard in the turn after it at the latest
    } catch {
      return this.refuse(subject, "the connection went down"); // it comes back, and we look again
    }
    if (this.#isOver || this.#timer !== undefined) return;
    this.refused = undefined;
    log.warn({ subject }, "subscription granted");
    onGranted();
  }
}
