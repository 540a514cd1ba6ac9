// Tells the readers of every edge that events may be missing from their streams. Losses in quick succession
// are reported together: each report covers all losses before it.

import { EVERY_EDGE } from "../../broker/contract.ts";
import { type BrokerClient, encodeOrder, Throttle } from "../../broker/index.ts";

/** The minimum time between two reports. */
const RESYNC_EVERY_MS = 1_000;

export class Losses {
  readonly #client: BrokerClient;
  readonly #throttle: Throttle<string>;

  constructor(client: BrokerClient) {
    this.#client = client;
    this.#throttle = new Throttle<string>(RESYNC_EVERY_MS, (reason) => this.tellNow(reason));
  }

  /** Reports a loss now, or within a second if another one was reported just before. */
  tell(reason: string): void {
    this.#throttle.call(reason);
  }

  /** Reports a loss before anything else is sent. */
  tellNow(reason: string): void {
    this.#client.publish(EVERY_EDGE, encodeOrder({ type: "resync", reason }));
  }

  /** Stops reporting. */
  stop(): void {
    this.#throttle.stop();
  }
}
