// Receipts: the replies to senders who asked how many readers received their event. If a stream stored the
// event, the reply also names the stream and the event's sequence in it, so that a JetStream client accepts
// it as an acknowledgement. Stateless.

import { parseEventId } from "../../broker/contract.ts";
import type { DeliveryCounts } from "../presence/tally.ts";

/** The counts in a reply. */
export type Deliveries = DeliveryCounts & {
  /** The number of users to whom the event was addressed. */
  readonly recipients: number;
};

/** Returns the name of the stream that stores the events of a partition; undefined if none does. */
export type StreamOf = (partition: number) => string | undefined;

export class Receipts {
  readonly #streamOf: StreamOf;

  constructor(streamOf: StreamOf) {
    this.#streamOf = streamOf;
  }

  /** Formats the reply to the sender of an event. */
  encode(id: string, deliveries: Deliveries): string {
    return JSON.stringify({ id, ...deliveries, ...this.#stored(id, false) });
  }

  /** Formats the reply to the sender of a duplicate, which is not sent to any reader. */
  encodeDuplicate(id: string): string {
    const noOne: Deliveries = { recipients: 0, online: 0, delivered: 0, timedOut: 0 };
    return JSON.stringify({ id, ...noOne, duplicate: true, ...this.#stored(id, true) });
  }

  #stored(id: string, duplicate: boolean): object {
    const { partition, sequence } = parseEventId(id) ?? { partition: 0, sequence: 0 };
    const stream = this.#streamOf(partition);
    return stream === undefined ? {} : { stream, seq: sequence, duplicate };
  }
}
