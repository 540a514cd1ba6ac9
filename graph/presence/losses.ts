// Tells the readers of every edge that something may be missing from their streams. Events that are lost one after the
// other are told together: each telling covers all losses before it.

import { EVERY_EDGE } from "../../broker/contract.ts";
import { type BrokerClient, encodeOrder } from "../../broker/index.ts";
import { Throttle } from "../../lib/throttle.ts";

/** Readers are told at most this often. */
const RESYNC_EVERY_MS = 1_000;

export class Losses {
  readonly #client: BrokerClient;
  readonly #throttle: Throttle<string>;

  constructor(client: BrokerClient) {
    this.#client = client;
    this.#throttle = new Throttle<string>(RESYNC_EVERY_MS, (reason) => this.tellNow(reason));
  }

  /** Tells of a loss now, or within a second where another one was told just before. */
  tell(reason: string): void {
    this.#throttle.call(reason);
  }

  /** Tells of a loss before anything else is sent. */
  tellNow(reason: string): void {
    this.#client.publish(EVERY_EDGE, encodeOrder({ type: "resync", reason }));
  }

  /** Tells nothing more. */
  stop(): void {
    this.#throttle.stop();
  }
}
