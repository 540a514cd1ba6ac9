// Notices that this service was not subscribed to events for a while although producers may have published
// some: those are lost, so readers are told. It does not apply if the only NATS server restarted and this
// service was back at once, because producers had no connection either. It does if the service was stopped or
// starved of CPU meanwhile. Owned by the graph service; stateless apart from the last server.

import type { BrokerClient } from "../../broker/index.ts";
import type { Losses } from "./losses.ts";

export interface AbsencesOptions {
  readonly client: BrokerClient;
  readonly losses: Pick<Losses, "note">;
  /** The partitions of this service. */
  readonly partitions: readonly number[];
  /** Returns the last time at which the service provably listened, in milliseconds since 1970. */
  readonly listenedMs: () => number;
  /** Returns for how long the service has not proven that it listens, in milliseconds. */
  readonly unprovenMs: () => number;
}

/** Other clients try to connect at most this often (broker/reconnecting.ts). */
const MAX_LATE_MS = 250;
/** The proof is due once per second; a service that runs notices at once that it has lost its server. */
const MAX_UNNOTICED_MS = 2_500;

export class Absences {
  readonly #options: AbsencesOptions;
  #server: string;

  constructor(options: AbsencesOptions) {
    this.#options = options;
    const { client } = options;
    this.#server = client.server.id;
    client.onStatus((connected) => {
      if (connected) this.#reconnected();
    });
    client.onGranted(() => this.#note());
  }

  #reconnected(): void {
    const { id, isClustered } = this.#options.client.server;
    const isSame = id === this.#server;
    this.#server = id;
    if (isSame || isClustered || !this.#isBackAtOnce) this.#note();
  }

  /** Whether no server was there for long without this service. */
  get #isBackAtOnce(): boolean {
    const { client, unprovenMs } = this.#options;
    const { lengthMs, sinceFailureMs } = client.outage;
    return sinceFailureMs <= MAX_LATE_MS && unprovenMs() - lengthMs <= MAX_UNNOTICED_MS;
  }

  #note(): void {
    const { losses, partitions, listenedMs } = this.#options;
    for (const partition of partitions) losses.note(partition, listenedMs());
  }
}
