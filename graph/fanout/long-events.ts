// Events with so many recipients that sending them takes a while: a celebrity's million. Each goes out in parts, one
// part of each in turn, and after every part whatever else has arrived is handed on, so that nobody waits for a celebrity
// but those who wait for the same author: their order holds. Owned by the expander. Bounded: MAX_AT_ONCE events are in
// the middle of it at once, and what waits behind them counts among the expander's waiting events.

import type { DeliveryCost } from "./distributor.ts";
import type { Window } from "./window.ts";

/** Each holds a snapshot of the database and one chunk of a row. */
const MAX_AT_ONCE = 64;

const NOTHING: DeliveryCost = { messages: 0, bytes: 0 };

/** An event in parts: each step sends one and answers what it cost, the last as its return. */
export type Parts = Generator<DeliveryCost, DeliveryCost, void>;

/** One author's events, in order. */
interface Lane<Event> {
  readonly author: string;
  event: Event;
  parts: Parts;
  /** Its event has sent a part. */
  hasBegun: boolean;
  readonly behind: Event[];
}

export interface LongEventsOptions<Event> {
  /** Begins to send an event. */
  readonly open: (event: Event) => Parts;
  /** It could not be sent to everyone. */
  readonly fail: (event: Event, error: unknown) => void;
  /** Sends what waits for a tick. */
  readonly flush: () => void;
  /** Resolves when an event may begin to read its followers. One that has begun keeps the rows readable to its end. */
  readonly readable: () => Promise<void> | undefined;
  /** How far long events together run ahead of those who deliver. */
  readonly window: Window;
}

export class LongEvents<Event> {
  readonly #options: LongEventsOptions<Event>;
  readonly #lanes = new Map<string, Lane<Event>>();
  #running: Promise<void> | undefined;
  #waiters: (() => void)[] = [];

  constructor(options: LongEventsOptions<Event>) {
    this.#options = options;
  }

  /** Events in the middle of being sent. */
  get size(): number {
    return this.#lanes.size;
  }

  /** Goes on with an event whose first part was sent. Only where `follow` said false for its author. */
  begin(author: string, event: Event, parts: Parts): void {
    this.#lanes.set(author, { author, event, parts, hasBegun: true, behind: [] });
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** Takes an event whose author's last one is still being sent; false where there is none, and it may go at once. */
  follow(author: string, event: Event): boolean {
    const lane = this.#lanes.get(author);
    lane?.behind.push(event);
    return lane !== undefined;
  }

  /** Resolves when one more may begin. */
  async room(): Promise<void> {
    while (this.#lanes.size >= MAX_AT_ONCE) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  /** Resolves when nothing is being sent any more. */
  async settle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    const { window, flush, fail } = this.#options;
    while (this.#lanes.size > 0) {
      for (const lane of [...this.#lanes.values()]) {
        await new Promise(setImmediate); // whatever has arrived goes first
        if (!lane.hasBegun) await this.#options.readable();
        lane.hasBegun = true;
        const { event, parts } = lane;
        try {
          const { value, done } = parts.next();
          if (done === true) this.#advance(lane);
          if (!window.advance(value)) continue;
          flush();
          await window.next();
        } catch (error) {
          parts.return(NOTHING); // gives its snapshot back
          fail(event, error);
          if (lane.event === event) this.#advance(lane);
        }
      }
    }
  }

  /** The author's next event, or the end. */
  #advance(lane: Lane<Event>): void {
    const next = lane.behind.shift();
    if (next !== undefined) {
      lane.event = next;
      lane.parts = this.#options.open(next);
      lane.hasBegun = false;
      return;
    }
    this.#lanes.delete(lane.author);
    for (const resolve of this.#waiters.splice(0)) resolve();
  }
}
