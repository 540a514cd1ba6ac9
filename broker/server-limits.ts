// What the server that a client is connected to takes, from its INFO: the first one of every connection, and
// those that it sends of its own accord, as for an account's own max_payload. The library does not report the
// latter, so the newest INFO is read at every use. Owned by the client; warns once per change.

import type { NatsConnection } from "nats";
import { unfitnessOf, WANTED_MAX_PAYLOAD } from "./limits.ts";

/** A server. */
export interface ServerAbout {
  /** New at each of its starts. */
  readonly id: string;
  /** For example `2.11.4`. */
  readonly version: string;
  /** Whether it belongs to a cluster. */
  readonly isClustered: boolean;
  readonly hasJetStream: boolean;
}

export class ServerLimits {
  readonly #nats: Pick<NatsConnection, "info">;
  readonly #warn: (maxPayload: number) => void;
  #maxPayload = 0;
  #hasHeaders = true;
  #server: ServerAbout = { id: "", version: "", isClustered: false, hasJetStream: false };

  /** @param warn called when the server takes less than the largest event may need */
  constructor(nats: Pick<NatsConnection, "info">, warn: (maxPayload: number) => void) {
    this.#nats = nats;
    this.#warn = warn;
    this.read();
  }

  /** Bytes of the largest message, headers included; while disconnected, what the last server took. */
  get maxPayload(): number {
    this.read();
    return this.#maxPayload;
  }

  get server(): ServerAbout {
    this.read();
    return this.#server;
  }

  /** Why nothing works with this server; undefined where it does. */
  get unfit(): string | undefined {
    this.read();
    return unfitnessOf(this.#maxPayload, this.#hasHeaders);
  }

  /** Looks at the newest INFO. */
  read(): void {
    const { info } = this.#nats;
    if (info === undefined) return; // disconnected
    this.#hasHeaders = info.headers === true;
    const { server_id: id, version, cluster = "", jetstream: hasJetStream = false } = info;
    this.#server = { id, version, isClustered: cluster !== "", hasJetStream };
    if (info.max_payload === this.#maxPayload) return;
    this.#maxPayload = info.max_payload;
    if (this.#maxPayload < WANTED_MAX_PAYLOAD) this.#warn(this.#maxPayload);
  }
}
