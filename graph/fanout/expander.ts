// The expander: takes accepted events in their order and fans each out to its end before the next begins; only an event
// with very many followers goes on in parts while others pass it, but none of the same topic (long-events.ts). So a
// sender's order holds for every recipient. What waits is bounded (backlog.ts); what is handed on runs a bounded way ahead
// of those who deliver (window.ts).

import type { GraphStore } from "../graph-store.ts";
import {
  type AcceptedEvent,
  type DeliveryCost,
  type ForFollowers,
  isForFollowers,
  isForUser,
} from "./event.ts";
import type { FanOut } from "./fan-out.ts";
import type { LongEvents } from "./long-events.ts";
import type { Window } from "./window.ts";

export interface ExpanderOptions {
  readonly store: GraphStore;
  readonly fanOut: FanOut;
  readonly long: LongEvents;
  readonly window: Window;
}

export class Expander {
  readonly #options: ExpanderOptions;
  #queue: AcceptedEvent[] = [];
  #running: Promise<void> | undefined;
  #isOpen = false;

  constructor(options: ExpanderOptions) {
    this.#options = options;
  }

  /** From now on what was taken is handed on; before, it only waits. */
  open(): void {
    this.#isOpen = true;
    this.#start();
  }

  /** Takes an event. Nothing is sent before this returns. */
  add(event: AcceptedEvent): void {
    this.#queue.push(event);
    this.#start();
  }

  /** Resolves when everything taken so far has been expanded and handed to the server. */
  async settle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
    await this.#options.long.settle();
  }

  #start(): void {
    if (!this.#isOpen || this.#queue.length === 0) return;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      this.#start(); // an event may have been added after the run found the queue empty
    });
  }

  async #run(): Promise<void> {
    const { store, fanOut } = this.#options;
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      this.#queue = [];
      for (const event of batch) {
        try {
          if (store.readable !== undefined) await store.readable;
          if (isForUser(event)) await this.#pass(fanOut.direct(event));
          else if (isForFollowers(event)) await this.#expand(event);
        } catch (error) {
          fanOut.fail(event, error);
        }
      }
    }
  }

  async #expand(event: AcceptedEvent<ForFollowers>): Promise<void> {
    const { fanOut, long } = this.#options;
    if (long.follow(event)) return;
    const parts = fanOut.begin(event);
    const { value, done } = parts.next();
    if (done === true) return this.#pass(value);
    long.begin(event, parts);
    return long.room();
  }

  async #pass(cost: DeliveryCost): Promise<void> {
    const { window } = this.#options;
    if (window.advance(cost)) await window.next();
  }
}
