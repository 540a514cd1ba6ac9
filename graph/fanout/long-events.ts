// Events with so many recipients that sending them takes a while: a celebrity's million. Each goes out in parts, one
// part of each in turn, and after every part whatever else has arrived is handed on, so that nobody waits for a celebrity
// but those who wait for the same author: their order holds. Owned by the expander. Bounded: MAX_AT_ONCE events are in
// the middle of it at once, and what waits behind them counts among the expander's waiting events.

import type { GraphStore } from "../graph-store.ts";
import { type AcceptedEvent, type ForFollowers, NO_COST } from "./event.ts";
import type { EventParts, FanOut } from "./fan-out.ts";
import type { Window } from "./window.ts";

/** Each holds a snapshot of the database and one chunk of a row. */
const MAX_AT_ONCE = 64;

type LongEvent = AcceptedEvent<ForFollowers>;

/** One author's events, in order. */
interface Lane {
  event: LongEvent;
  parts: EventParts;
  /** Its event has sent a part. */
  hasBegun: boolean;
  readonly behind: LongEvent[];
}

export interface LongEventsOptions {
  readonly fanOut: FanOut;
  /** An event that has begun keeps the rows readable to its end. */
  readonly store: GraphStore;
  /** How far long events together run ahead of those who deliver. */
  readonly window: Window;
}

export class LongEvents {
  readonly #options: LongEventsOptions;
  readonly #lanes = new Map<string, Lane>();
  #running: Promise<void> | undefined;
  #waiters: (() => void)[] = [];

  constructor(options: LongEventsOptions) {
    this.#options = options;
  }

  /** Events in the middle of being sent. */
  get size(): number {
    return this.#lanes.size;
  }

  /** Goes on with an event whose first part was sent. Only where `follow` said false for it. */
  begin(event: LongEvent, parts: EventParts): void {
    this.#lanes.set(event.to.topic, { event, parts, hasBegun: true, behind: [] });
    this.#start();
  }

  /** Takes an event whose author's last one is still being sent; false where there is none, and it may go at once. */
  follow(event: LongEvent): boolean {
    const lane = this.#lanes.get(event.to.topic);
    lane?.behind.push(event);
    return lane !== undefined;
  }

  /** Resolves when one more may begin. */
  async room(): Promise<void> {
    while (this.#lanes.size >= MAX_AT_ONCE) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  /** Resolves when nothing is being sent any more. */
  async settle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  #start(): void {
    if (this.#lanes.size === 0) return;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      this.#start(); // an event may have begun after the run found no lane left
    });
  }

  async #run(): Promise<void> {
    const { window, fanOut, store } = this.#options;
    while (this.#lanes.size > 0) {
      for (const lane of [...this.#lanes.values()]) {
        await new Promise(setImmediate); // whatever has arrived goes first
        if (!lane.hasBegun) await store.readable;
        lane.hasBegun = true;
        const { event, parts } = lane;
        try {
          const { value, done } = parts.next();
          if (done === true) this.#advance(lane);
          if (window.advance(value)) await window.next();
        } catch (error) {
          parts.return(NO_COST); // gives its snapshot back
          fanOut.fail(event, error);
          if (lane.event === event) this.#advance(lane);
        }
      }
    }
  }

  /** The author's next event, or the end. */
  #advance(lane: Lane): void {
    const next = lane.behind.shift();
    if (next !== undefined) {
      lane.event = next;
      lane.parts = this.#options.fanOut.begin(next);
      lane.hasBegun = false;
      return;
    }
    this.#lanes.delete(lane.event.to.topic);
    for (const resolve of this.#waiters.splice(0)) resolve();
  }
}
