// The bridge: passes messages that producers publish to `user.<id>` on to edges in `frames` mode. Only the
// service that owns the partition of the id does so, so that these messages keep their order with its events.
// Opened when the first edge in `frames` mode is acknowledged. Every message to a user is examined, including
// copies of other services.

import { EVERY_USER, USER_PREFIX } from "../../broker/contract.ts";
import { type BrokerClient, EVENT_HEADER, type Msg, type Subscribed } from "../../broker/index.ts";
import type { Intake } from "../intake/intake.ts";
import type { Partitions } from "../partitions.ts";
import type { EdgeRegistry } from "../presence/edge-registry.ts";

export interface BridgeOptions {
  /** Does not receive its own messages, which are the copies that this service publishes. */
  readonly client: BrokerClient;
  readonly registry: EdgeRegistry;
  readonly partitions: Partitions;
  readonly intake: Intake;
}

export class Bridge {
  readonly #options: BridgeOptions;
  #subscription: Subscribed | undefined;
  #opened: Promise<void> | undefined;

  constructor(options: BridgeOptions) {
    this.#options = options;
  }

  /**
   * Resolves when messages to users reach edges in `frames` mode through this service. The subscription
   * survives reconnects, so only a failed confirmation is repeated.
   * @throws BrokerError NATS_DISCONNECTED
   */
  open(): Promise<void> {
    const { client } = this.#options;
    this.#subscription ??= client.subscribe(EVERY_USER, (message) => this.#receive(message));
    this.#opened ??= client.flush().catch((error: unknown) => {
      this.#opened = undefined;
      throw error;
    });
    return this.#opened;
  }

  close(): void {
    this.#subscription?.unsubscribe();
  }

  #receive(message: Msg): void {
    const { registry, intake } = this.#options;
    if (registry.hasFramed && this.#isOurs(message)) intake.receiveDirect(message);
  }

  /**
   * Returns whether a producer sent the message and this service owns its id. Copies of events carry a
   * header.
   */
  #isOurs({ subject, headers }: Msg): boolean {
    const id = subject.slice(USER_PREFIX.length);
    return this.#options.partitions.owns(id) && headers?.has(EVENT_HEADER) !== true;
  }
}
