// The bridge: messages that producers send straight to `user.<id>` reach edges in `frames` mode through the service that
// owns the id's partition, and only through it, so that they keep their order with its events. Opened when the first such
// edge is acknowledged; costs a glance at every message to a user, copies of other services included.

import { EVERY_USER, USER_PREFIX } from "../../broker/contract.ts";
import { type BrokerClient, EVENT_HEADER, type Msg, type Subscribed } from "../../broker/index.ts";
import type { Partitions } from "../partitions.ts";
import type { EdgeRegistry } from "../presence/edge-registry.ts";
import type { EventEntry } from "./event-entry.ts";

export interface BridgeOptions {
  /** Does not receive what it publishes itself: the copies of this service. */
  readonly client: BrokerClient;
  readonly registry: EdgeRegistry;
  readonly partitions: Partitions;
  readonly entry: EventEntry;
}

export class Bridge {
  readonly #options: BridgeOptions;
  #subscription: Subscribed | undefined;
  #opened: Promise<void> | undefined;

  constructor(options: BridgeOptions) {
    this.#options = options;
  }

  /**
   * Resolves when messages to users reach edges in `frames` mode through us. The subscription survives reconnects; only
   * the certainty that it has begun is asked for again. @throws BrokerError NATS_DISCONNECTED
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
    const { registry, entry } = this.#options;
    if (registry.hasFramed && this.#isOurs(message)) entry.receiveDirect(message);
  }

  /** Copies of the graph's carry a header and have gone their way; one of several services takes each id, whatever that is. */
  #isOurs({ subject, headers }: Msg): boolean {
    const id = subject.slice(USER_PREFIX.length);
    return this.#options.partitions.owns(id) && headers?.has(EVENT_HEADER) !== true;
  }
}
