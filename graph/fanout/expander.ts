// The expander: reads events from the history in order and fans out each one completely before it begins the
// next. The exception is an event with very many followers: it is begun, and sent in parts while other events
// pass it, except those of the same topic (long-events.ts). Each recipient therefore receives a topic's
// events in the order in which they were sent. Events that have not been read yet wait in the history. What
// has been sent may be ahead of the slowest edge only by a bounded amount (window.ts). After each time slice
// the expander yields to the event loop so that messages are received; a burst therefore becomes a backlog in
// the history and not in the NATS server.

import { storedTopic } from "../../broker/contract.ts";
import type { GraphStore } from "../graph-store.ts";
import type { History, StoredRow } from "../history/history.ts";
import { ROW_KIND } from "../history/row.ts";
import type { CountedSends } from "../intake/counted-sends.ts";
import type { Survey } from "../presence/edge-registry.ts";
import type { Begun } from "./begun.ts";
import type { Distributor } from "./distributor.ts";
import {
  type DeliveryCost,
  isForFollowers,
  kept,
  NO_COST,
  NO_FOLLOWERS,
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
  readonly begun: Begun;
  readonly sends: CountedSends;
  readonly distributor: Distributor;
  readonly fanOut: FanOut;
  readonly long: LongEvents;
  readonly window: Window;
}

export class Expander {
  readonly #options: ExpanderOptions;
  #running: Promise<void> | undefined;
  #isRunning = false;
  #isOpen = false;

  constructor(options: ExpanderOptions) {
    this.#options = options;
  }

  /** The ordinal of the row that is read next. */
  get next(): number {
    return this.#options.begun.next;
  }

  /** The ordinal of the oldest row that is still needed. */
  get oldestNeeded(): number {
    return Math.min(this.next, this.#options.long.oldest);
  }

  /** The number of events in the history that have not begun. */
  get waiting(): number {
    return this.#options.history.next - this.next;
  }

  /** Enables fan-out. Until then, events wait. */
  open(): void {
    this.#isOpen = true;
    this.wake();
  }

  /** Begins to read newly appended rows, unless that is already in progress. */
  wake(): void {
    if (!this.#isOpen || this.#isRunning || this.next >= this.#options.history.next) return;
    this.#isRunning = true; // also during the first step, in which a loss may be appended
    this.#running = this.#run().finally(() => {
      this.#isRunning = false;
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
    while (this.next < history.next) {
      const more = this.#fanOutNext();
      if (more !== undefined) await more;
      if (performance.now() < sliceEnd) continue;
      await new Promise(setImmediate);
      sliceEnd = performance.now() + SLICE_MS;
    }
  }

  /**
   * Handles the next row. Returns a promise if that is not done yet, or if the one after has to wait: a
   * promise per row would cost more than most rows.
   */
  #fanOutNext(): Promise<void> | undefined {
    const { store, history, fanOut, distributor, long, window } = this.#options;
    const readable = history.readable ?? store.readable;
    if (readable !== undefined) return readable; // the row is read in the next call
    const ordinal = this.next;
    const row = history.read(ordinal);
    const survey = distributor.survey();
    let cost: DeliveryCost | undefined = NO_COST;
    if (row === undefined || row.kind === ROW_KIND.lost) fanOut.reportLost(ordinal);
    else if (row.kind === ROW_KIND.hole) distributor.sendHole(row);
    else if (!fanOut.fits(row.body)) fanOut.reportLost(ordinal);
    else if (row.kind !== ROW_KIND.empty) cost = this.#send(ordinal, row, survey);
    const { partition, epoch, sequence } = row ?? history.placeOf(ordinal);
    // read again afterwards: the event may then have few recipients
    if (cost === undefined && !long.isFree(partition)) return long.whenFree(partition);
    if (cost === undefined) this.#beginLong(ordinal, row as StoredRow);
    this.#options.begun.advance(partition, { epoch, sequence });
    distributor.noteBegun(partition, survey);
    return cost !== undefined && window.advance(cost) ? window.next() : undefined;
  }

  /** Sends an event to all its recipients. Returns undefined, and sends nothing, if it must be a long one. */
  #send(ordinal: number, row: StoredRow, survey: Survey): DeliveryCost | undefined {
    const { fanOut, long, sends } = this.#options;
    const topic = row.kind === ROW_KIND.event ? storedTopic(row.name) : undefined;
    let event: OutgoingEvent | undefined;
    try {
      if (topic !== undefined && long.isOpen(topic)) return undefined;
      const followers = topic === undefined ? NO_FOLLOWERS : fanOut.fewFollowers(topic, survey);
      if (followers === undefined) return undefined;
      event = outgoingEvent(ordinal, row, sends.take(ordinal));
      return fanOut.send(event, followers, survey);
    } catch (error) {
      event ??= outgoingEvent(ordinal, row, sends.take(ordinal));
      fanOut.reportFailed(event, error);
      return NO_COST;
    }
  }

  #beginLong(ordinal: number, row: StoredRow): void {
    const { long, sends } = this.#options;
    const event = outgoingEvent(ordinal, row, sends.take(ordinal));
    if (isForFollowers(event)) long.begin(kept(event));
  }
}
