// Notices that this service was not subscribed to events for a while although producers may have published
// some: those are lost, so readers are told. It does not apply if the only NATS server restarted, because
// producers had no connection either. Owned by the graph service; stateless apart from the last server.

import type { BrokerClient } from "../../broker/index.ts";
import type { Losses } from "./losses.ts";

export interface AbsencesOptions {
  readonly client: BrokerClient;
  readonly losses: Pick<Losses, "note">;
  /** The partitions of this service. */
  readonly partitions: readonly number[];
  /** Returns the last time at which the service provably listened, in milliseconds since 1970. */
  readonly listenedMs: () => number;
}

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
    if (isSame || isClustered) this.#note();
  }

  #note(): void {
    const { losses, partitions, listenedMs } = this.#options;
    for (const partition of partitions) losses.note(partition, listenedMs());
  }
}
