// Copies for edges in `frames` mode: each edge gets the event once, with the handles of its recipients there.
// Users who are not connected cost nothing. The same code serves live events, parts of long events, and
// events from the history for edges that catch up.

import type { UserId } from "../../broker/contract.ts";
import type { EdgeLink, EdgeRegistry } from "../presence/edge-registry.ts";
import type { OnlineTable } from "../presence/online-table.ts";
import { isOwnName } from "../store/names.ts";
import type { EdgeMessages } from "./edge-messages.ts";
import type { DeliveryCost, OutgoingEvent } from "./event.ts";

export interface FrameCopiesOptions {
  readonly registry: EdgeRegistry;
  readonly online: OnlineTable;
  readonly messages: EdgeMessages;
  /** Returns the name of a follower's id. */
  readonly nameOf: (id: number) => string;
}

/** The recipients of one event at one edge. */
class Recipients {
  handles = new Uint32Array(64);
  count = 0;

  add(handle: number): void {
    if (this.count === this.handles.length) {
      const larger = new Uint32Array(this.count * 2);
      larger.set(this.handles);
      this.handles = larger;
    }
    this.handles[this.count] = handle;
    this.count += 1;
  }
}

/** Returns whether an event is to be sent to an edge. */
export type EdgeFilter = (edge: EdgeLink) => boolean;

export class FrameCopies {
  readonly #options: FrameCopiesOptions;
  /** Scratch space by edge slot, empty between events. */
  readonly #recipients: Recipients[] = [];
  readonly #touched: EdgeLink[] = [];
  /** The number of recipients in frames. */
  handed = 0;

  constructor(options: FrameCopiesOptions) {
    this.#options = options;
  }

  /** Adds an event, which has no other recipients, to the frames of these edges. */
  send(
    event: OutgoingEvent,
    followers: Uint32Array,
    author: UserId | undefined,
    isFor: EdgeFilter,
  ): DeliveryCost {
    const { messages } = this.#options;
    return this.#gather(followers, author, isFor, event.json.length, (edge, { handles, count }) =>
      messages.add(edge, event, handles, count),
    );
  }

  /** Sends recipients of a long event to the edges that were told of its beginning. */
  sendPart(
    event: OutgoingEvent,
    followers: Uint32Array,
    author: UserId | undefined,
    isFor: EdgeFilter,
  ): DeliveryCost {
    const { messages } = this.#options;
    return this.#gather(followers, author, isFor, 0, (edge, { handles, count }) =>
      messages.part(edge, event, handles, count),
    );
  }

  #gather(
    followers: Uint32Array,
    author: UserId | undefined,
    isFor: EdgeFilter,
    bytesPerEdge: number,
    put: (edge: EdgeLink, recipients: Recipients) => void,
  ): DeliveryCost {
    const { online, nameOf } = this.#options;
    let messages = 0;
    let bytes = 0;
    try {
      if (author !== undefined) this.#find(online.firstOf(author), isFor);
      for (const follower of followers) {
        const first = isOwnName(follower) ? online.first(follower) : online.firstOf(nameOf(follower));
        this.#find(first, isFor);
      }
      for (const edge of this.#touched) {
        const recipients = this.#recipients[edge.slot] as Recipients;
        messages += recipients.count;
        bytes += bytesPerEdge + 4 * recipients.count;
        put(edge, recipients);
      }
    } finally {
      // whatever went wrong, the next event must not find this one's recipients
      for (const { slot } of this.#touched) (this.#recipients[slot] as Recipients).count = 0;
      this.#touched.length = 0;
    }
    this.handed += messages;
    return { messages, bytes };
  }

  #find(first: number, isFor: EdgeFilter): void {
    const { online, registry } = this.#options;
    for (let entry = first; entry !== -1; entry = online.next(entry)) {
      const slot = online.slot(entry);
      let recipients = this.#recipients[slot];
      if (recipients === undefined) {
        recipients = new Recipients();
        this.#recipients[slot] = recipients;
      }
      if (recipients.count === 0) {
        const edge = registry.at(slot);
        if (edge === undefined || !isFor(edge)) continue;
        this.#touched.push(edge);
      }
      recipients.add(online.handle(entry));
    }
  }
}
