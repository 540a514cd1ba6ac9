// Takes accepted events in order and completes the fan-out of each before the next begins. Only an event with
// very many followers continues in parts while others overtake it, but none of the same topic
// (long-events.ts). So every recipient receives the events of a sender in order. Waiting events are bounded
// (backlog.ts), and the expander runs a bounded distance ahead of the edges (window.ts).

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

  /** Begins to send events. Those added before only wait. */
  open(): void {
    this.#isOpen = true;
    this.#start();
  }

  /** Adds an event to the queue. Nothing is sent before this returns. */
  add(event: AcceptedEvent): void {
    this.#queue.push(event);
    this.#start();
  }

  /** Resolves when every event added so far has been expanded and published. */
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
    return long.whenFree();
  }

  async #pass(cost: DeliveryCost): Promise<void> {
    const { window } = this.#options;
    if (window.advance(cost)) await window.next();
  }
}
