// A long event that was begun at some edges and has not ended. Its parts and its end go only to an edge that
// was told of its beginning in the same presence epoch: any other edge gets all of it from the history, or
// does not need it.

import type { EdgeLink } from "../presence/edge-registry.ts";
import type { EdgeMessages } from "./edge-messages.ts";
import type { OutgoingEvent } from "./event.ts";

export class OpenedEvent<E extends OutgoingEvent = OutgoingEvent> {
  readonly event: E;
  readonly #messages: EdgeMessages;
  /** The presence epochs of the edges that were told of the beginning. */
  readonly #epochs: Map<EdgeLink, number>;

  /** Tells these edges that the event begins. */
  constructor(messages: EdgeMessages, event: E, edges: Iterable<EdgeLink>) {
    this.event = event;
    this.#messages = messages;
    this.#epochs = new Map();
    for (const edge of edges) {
      messages.open(edge, event);
      this.#epochs.set(edge, edge.presence.epoch);
    }
  }

  /** Returns whether the event is open at an edge. */
  readonly isOpenAt = (edge: EdgeLink): boolean =>
    edge.presence.hasBegun && this.#epochs.get(edge) === edge.presence.epoch;

  /** Tells the edges that the event has ended. */
  close(): void {
    for (const edge of this.#epochs.keys()) if (this.isOpenAt(edge)) this.#messages.close(edge, this.event);
  }
}
