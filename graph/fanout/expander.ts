// The expander: reads events from the history in order and fans out each one completely before it begins the
// next. The exception is an event with very many followers: it is sent in parts, and other events may
// overtake it, except those of the same topic (long-events.ts). Each recipient therefore receives a topic's
// events in the order in which they were sent. Events that have not been read yet wait in the history. What
// has been sent may be ahead of the slowest edge only by a bounded amount (window.ts). After each time slice
// the expander yields to the event loop so that messages are received; a burst therefore becomes a backlog in
// the history and not in the NATS server.

import type { GraphStore } from "../graph-store.ts";
import type { History } from "../history/history.ts";
import { ROW_KIND } from "../history/row.ts";
import type { CountedSends } from "../intake/counted-sends.ts";
import {
  type DeliveryCost,
  type ForFollowers,
  isForFollowers,
  isForUser,
  type OutgoingEvent,
  outgoingEvent,
} from "./event.ts";
import type { FanOut } from "./fan-out.ts";
import type { LongEvents } from "./long-events.ts";
import type { Window } from "./window.ts";

const SLICE_MS = 2;

export interface ExpanderOptions {
  readonly store: GraphStore;
  readonly history: History;
  readonly sends: CountedSends;
  readonly fanOut: FanOut;
  readonly long: LongEvents;
  readonly window: Window;
}

export class Expander {
  readonly #options: ExpanderOptions;
  #next: number;
  #running: Promise<void> | undefined;
  #isOpen = false;

  /** Creates an expander that begins with the next row appended to the history. */
  constructor(options: ExpanderOptions) {
    this.#options = options;
    this.#next = options.history.next;
  }

  /** The ordinal of the row that is read next. */
  get next(): number {
    return this.#next;
  }

  /** The ordinal of the oldest row that is still needed. */
  get oldestNeeded(): number {
    return Math.min(this.#next, this.#options.long.oldest);
  }

  /** The number of events that wait: in the history, or for earlier events of their topics. */
  get waiting(): number {
    return this.#options.history.next - this.#next + this.#options.long.waiting;
  }

  /** Enables fan-out. Until then, events wait. */
  open(): void {
    this.#isOpen = true;
    this.wake();
  }

  /** Begins to read newly appended rows, unless that is already in progress. */
  wake(): void {
    if (!this.#isOpen || this.#next >= this.#options.history.next) return;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      this.wake(); // an event may have been appended after the run read the last one
    });
  }

  /** Resolves when everything appended so far has been expanded and handed to the NATS client. */
  async settle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
    await this.#options.long.settle();
  }

  async #run(): Promise<void> {
    const { history } = this.#options;
    let sliceEnd = performance.now() + SLICE_MS;
    while (this.#next < history.next) {
      await this.#fanOutNext();
      if (performance.now() < sliceEnd) continue;
      await new Promise(setImmediate);
      sliceEnd = performance.now() + SLICE_MS;
    }
  }

  async #fanOutNext(): Promise<void> {
    const { store, history, sends, fanOut } = this.#options;
    if (history.readable !== undefined) await history.readable;
    if (store.readable !== undefined) await store.readable;
    const ordinal = this.#next;
    const row = history.read(ordinal);
    this.#next = ordinal + 1;
    if (row === undefined || row.kind === ROW_KIND.lost) return fanOut.reportLost();
    const event = outgoingEvent(ordinal, row, sends.take(ordinal));
    if (event === undefined) return;
    try {
      if (isForUser(event)) await this.#pass(fanOut.direct(event));
      else if (isForFollowers(event)) await this.#expand(event);
    } catch (error) {
      fanOut.reportFailed(event, error);
    }
  }

  async #expand(event: OutgoingEvent<ForFollowers>): Promise<void> {
    const { fanOut, long } = this.#options;
    if (long.follow(event)) return long.isFree ? undefined : long.whenFree();
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
