// Events with so many recipients that sending them takes a while, such as a celebrity's million. Each is sent
// in parts, the parts of several events in turn, and after every part the expander handles the events that
// have arrived, so only events of the same topic wait for a long event, which preserves their order. Owned by
// the expander. At most MAX_AT_ONCE events are sent at the same time and MAX_WAITING wait for earlier events
// of their topics; beyond that the expander waits.

import type { GraphStore } from "../graph-store.ts";
import { type ForFollowers, NO_COST, type OutgoingEvent } from "./event.ts";
import type { EventParts, FanOut } from "./fan-out.ts";
import type { Window } from "./window.ts";

/** Each holds a snapshot of the database and one chunk of a row. */
const MAX_AT_ONCE = 64;
/** Each holds its encoded bytes: 64 MiB at most. */
const MAX_WAITING = 1_024;

type LongEvent = OutgoingEvent<ForFollowers>;

/** The events of one topic, in order. */
interface Lane {
  event: LongEvent;
  parts: EventParts;
  /** Whether a part of the event has been sent. */
  hasBegun: boolean;
  readonly waiting: LongEvent[];
}

export interface LongEventsOptions {
  readonly fanOut: FanOut;
  /** Read when an event begins. An event that has begun keeps the rows readable until its end. */
  readonly store: GraphStore;
  /** Bounds how far all long events together run ahead of the edges. */
  readonly window: Window;
}

export class LongEvents {
  readonly #options: LongEventsOptions;
  readonly #lanes = new Map<string, Lane>();
  #running: Promise<void> | undefined;
  #waiters: (() => void)[] = [];
  #waiting = 0;

  constructor(options: LongEventsOptions) {
    this.#options = options;
  }

  /** The number of events that are being sent. */
  get size(): number {
    return this.#lanes.size;
  }

  /** Number of events that wait for earlier events of their topics. */
  get waiting(): number {
    return this.#waiting;
  }

  /** The ordinal of the oldest event that is being sent; infinite if there is none. */
  get oldest(): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (const { event } of this.#lanes.values()) oldest = Math.min(oldest, event.ordinal);
    return oldest;
  }

  /** Whether another event may begin or wait. */
  get isFree(): boolean {
    return this.#lanes.size < MAX_AT_ONCE && this.#waiting < MAX_WAITING;
  }

  /** Continues an event whose first part was sent. Requires that `follow` returned false for the event. */
  begin(event: LongEvent, parts: EventParts): void {
    this.#lanes.set(event.to.topic, { event, parts, hasBegun: true, waiting: [] });
    this.#start();
  }

  /**
   * Queues an event if another one of its topic is being sent. Returns false otherwise: the event may begin
   * at once.
   */
  follow(event: LongEvent): boolean {
    const lane = this.#lanes.get(event.to.topic);
    if (lane === undefined) return false;
    lane.waiting.push(event);
    this.#waiting += 1;
    return true;
  }

  /** Resolves when another event may begin or wait. */
  async whenFree(): Promise<void> {
    while (!this.isFree) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  /** Resolves when no event is being sent. */
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
        await new Promise(setImmediate); // events that have arrived go first
        if (!lane.hasBegun) await store.readable;
        lane.hasBegun = true;
        const { event, parts } = lane;
        try {
          const { value, done } = parts.next();
          if (done === true) this.#advance(lane);
          if (window.advance(value)) await window.next();
        } catch (error) {
          parts.return(NO_COST); // releases its snapshot
          fanOut.reportFailed(event, error);
          if (lane.event === event) this.#advance(lane);
        }
      }
    }
  }

  /** Begins the topic's next event, or removes the lane. */
  #advance(lane: Lane): void {
    const next = lane.waiting.shift();
    if (next !== undefined) {
      this.#waiting -= 1;
      lane.event = next;
      lane.parts = this.#options.fanOut.begin(next);
      lane.hasBegun = false;
    } else this.#lanes.delete(lane.event.to.topic);
    for (const resolve of this.#waiters.splice(0)) resolve();
  }
}
