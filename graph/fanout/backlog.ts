// Counts the events that were accepted and whose fan-out has not begun, wherever they are queued. Bounded by
// the number of events and by the bytes of their payloads. When either bound is reached, the entry refuses
// events and counts them.

import type { AcceptedEvent } from "./event.ts";

const MAX_WAITING_EVENTS = 50_000;
const MAX_WAITING_BYTES = 67_108_864;

export class Backlog {
  #events = 0;
  #bytes = 0;

  /** The number of events that wait. */
  get events(): number {
    return this.#events;
  }

  /** Adds an event. Returns false, and adds nothing, if it would exceed a bound. */
  add({ payload }: AcceptedEvent): boolean {
    const bytes = this.#bytes + payload.length;
    if (this.#events >= MAX_WAITING_EVENTS || bytes > MAX_WAITING_BYTES) return false;
    this.#events += 1;
    this.#bytes = bytes;
    return true;
  }

  /** Removes an event whose fan-out begins. */
  remove({ payload }: AcceptedEvent): void {
    this.#events -= 1;
    this.#bytes -= payload.length;
  }
}
