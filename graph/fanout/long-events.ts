// Events that are sent in parts while other events pass them: those with so many recipients that sending them
// takes a while, such as a celebrity's million, and events of a topic whose earlier event is still being
// sent, which must not pass it. Each is begun at the edges at once and then waits for its turn: first in,
// first out. After every part the expander handles the events that have arrived. Owned by the expander. At
// most MAX_OPEN are open per partition; beyond that the expander waits, and with it everything behind.

import type { Topic } from "../../broker/contract.ts";
import type { GraphStore } from "../graph-store.ts";
import type { Begun } from "./begun.ts";
import type { Distributor } from "./distributor.ts";
import type { EventTo, ForFollowers } from "./event.ts";
import type { FanOut } from "./fan-out.ts";
import type { OpenedEvent } from "./opened-event.ts";
import type { Window } from "./window.ts";

/** Readers' cursors name all open events. */
const MAX_OPEN = 2;

type LongEvent = OpenedEvent<EventTo<ForFollowers>>;

export interface LongEventsOptions {
  readonly fanOut: FanOut;
  readonly distributor: Distributor;
  readonly begun: Begun;
  /** Read when an event's turn comes; until its end the event keeps the rows readable. */
  readonly store: GraphStore;
  /** Bounds how far all long events together run ahead of the edges. */
  readonly window: Window;
}

export class LongEvents {
  readonly #options: LongEventsOptions;
  /** Oldest first. */
  readonly #open: LongEvent[] = [];
  #running: Promise<void> | undefined;
  #waiters: (() => void)[] = [];

  constructor(options: LongEventsOptions) {
    this.#options = options;
  }

  /** The number of open events. */
  get size(): number {
    return this.#open.length;
  }

  /** The ordinal of the oldest open event; infinite if there is none. */
  get oldest(): number {
    return this.#open[0]?.event.ordinal ?? Number.POSITIVE_INFINITY;
  }

  /** Whether an event of this topic is open, so that a later one must be open, too. */
  isOpen(topic: Topic): boolean {
    return this.#open.some(({ event }) => event.to.topic === topic);
  }

  /** Returns whether another event may begin in a partition. */
  isFree(partition: number): boolean {
    return this.#open.filter(({ event }) => event.partition === partition).length < MAX_OPEN;
  }

  /** Begins an event, for which its partition must be free. */
  begin(event: EventTo<ForFollowers>): void {
    const { distributor, begun } = this.#options;
    this.#open.push(distributor.open(event));
    begun.open(event.partition, event.sequence);
    this.#start();
  }

  /** Resolves when another event may begin in a partition. */
  async whenFree(partition: number): Promise<void> {
    while (!this.isFree(partition)) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  /** Resolves when no event is open. */
  async settle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  #start(): void {
    if (this.#open.length === 0) return;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      this.#start(); // an event may have begun after the run found none left
    });
  }

  async #run(): Promise<void> {
    for (let opened = this.#open[0]; opened !== undefined; opened = this.#open[0]) {
      await new Promise(setImmediate); // events that have arrived go first
      await this.#send(opened);
      this.#end(opened);
    }
  }

  async #send(opened: LongEvent): Promise<void> {
    const { window, fanOut, store } = this.#options;
    await store.readable;
    const parts = fanOut.parts(opened);
    try {
      for (let step = parts.next(); step.done !== true; step = parts.next()) {
        if (window.advance(step.value)) await window.next();
        await new Promise(setImmediate);
      }
    } catch (error) {
      parts.return(); // releases its snapshot
      opened.close();
      fanOut.reportFailed(opened.event, error);
    }
  }

  #end({ event }: LongEvent): void {
    this.#open.shift();
    this.#options.begun.close(event.partition, event.sequence);
    for (const resolve of this.#waiters.splice(0)) resolve();
  }
}
