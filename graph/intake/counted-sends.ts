// Keeps track of senders who asked how many readers received their event. Every reply waits until the history
// has written the event, or has failed to. If fan-out begins within a second, the reply contains the count;
// otherwise it is sent at the end of that second without one. A backlog therefore does not make requests time
// out, which would lead senders to repeat their events. Owned by the graph service. Bounded by the number of
// requests that arrive within a second.

import type { BrokerClient } from "../../broker/index.ts";
import type { History } from "../history/history.ts";
import type { EdgeRegistry } from "../presence/edge-registry.ts";
import type { Receipts } from "./receipts.ts";

/** How long a reply waits for the fan-out of its event to begin. */
const REPLY_WITHIN_MS = 1_000;

interface PendingReply {
  readonly id: string;
  readonly reply: string;
  /** By the monotonic clock. */
  readonly dueMs: number;
}

export interface CountedSendsOptions {
  readonly client: Pick<BrokerClient, "publish">;
  readonly history: Pick<History, "flush">;
  readonly registry: Pick<EdgeRegistry, "alive">;
  readonly receipts: Receipts;
}

export class CountedSends {
  readonly #options: CountedSendsOptions;
  /** By the ordinal of the event, oldest first. */
  readonly #waiting = new Map<number, PendingReply>();
  #timer: NodeJS.Timeout | undefined;
  /** The number of replies that were sent without a count because fan-out had not begun in time. */
  uncounted = 0;

  constructor(options: CountedSendsOptions) {
    this.#options = options;
  }

  /** Adds an event that was just appended to the history. */
  add(ordinal: number, id: string, reply: string): void {
    this.#waiting.set(ordinal, { id, reply, dueMs: performance.now() + REPLY_WITHIN_MS });
    void this.#options.history.flush(); // ends the gathering of its batch, so that it is written at once
    this.#timer ??= setTimeout(() => this.#replyToDue(), REPLY_WITHIN_MS);
  }

  /**
   * Removes an event whose fan-out begins. Returns the subject for its reply, which is now the caller's to
   * send, or undefined if its sender does not wait for a reply.
   */
  take(ordinal: number): string | undefined {
    if (this.#waiting.size === 0) return undefined;
    const waiting = this.#waiting.get(ordinal);
    this.#waiting.delete(ordinal);
    return waiting?.reply;
  }

  /**
   * Replies to the sender of a stored event without a count, because its fan-out began before it was known.
   */
  replyUncounted(id: string, reply: string): void {
    void this.#reply({ id, reply });
  }

  /**
   * Replies to the sender of a duplicate, if it waits, with the first event's id once that event is stored.
   */
  replyToDuplicate(id: string, reply: string | undefined): void {
    const { client, history, receipts } = this.#options;
    if (reply === undefined) return;
    void history.flush().then(() => client.publish(reply, receipts.encodeDuplicate(id)));
  }

  /** Sends all outstanding replies, without a count. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    const all = [...this.#waiting.values()];
    this.#waiting.clear();
    await Promise.all(all.map((waiting) => this.#reply(waiting)));
  }

  #replyToDue(): void {
    this.#timer = undefined;
    const now = performance.now();
    for (const [ordinal, waiting] of this.#waiting) {
      if (waiting.dueMs > now) {
        this.#timer = setTimeout(() => this.#replyToDue(), waiting.dueMs - now);
        return;
      }
      this.#waiting.delete(ordinal);
      void this.#reply(waiting);
    }
  }

  async #reply({ id, reply }: Pick<PendingReply, "id" | "reply">): Promise<void> {
    const { client, history, registry, receipts } = this.#options;
    this.uncounted += 1;
    await history.flush();
    const timedOut = registry.alive(performance.now()).length;
    client.publish(reply, receipts.encode(id, { recipients: 0, online: 0, delivered: 0, timedOut }));
  }
}
