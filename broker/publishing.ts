// Publishing: at most once, in the order of the calls, and without exceptions for the state of the connection
// or the size of a message. The library (nats 2.29) throws a NatsError if the connection is closed, if a
// message exceeds the server's max_payload, or if the server does not support headers; here each of these is
// a result and is counted. While the connection is down, messages are refused and not queued, because the
// library discards its queue when it reconnects: that would be a silent loss. Owned by the client.

import { ErrorCode, type MsgHdrs, type NatsConnection } from "nats";
import { codeOf } from "../lib/errors.ts";

export type Payload = Uint8Array | string;

/**
 * The result of publishing a message. `sent`: it was handed to the connection. `away`: the connection is
 * down. `unfit`: the server would reject it, because it exceeds `max_payload` or has headers that the server
 * does not support.
 */
export type Published = "sent" | "away" | "unfit";

export interface PublishOptions {
  readonly headers?: MsgHdrs;
  readonly reply?: string;
}

const RESULTS: Readonly<Record<string, Published>> = {
  [ErrorCode.MaxPayloadExceeded]: "unfit",
  [ErrorCode.ServerOptionNotAvailable]: "unfit",
  [ErrorCode.ConnectionClosed]: "away",
  [ErrorCode.ConnectionDraining]: "away",
};

export class Publisher {
  readonly #nats: NatsConnection;
  readonly #isConnected: () => boolean;
  /** Messages that were not sent because the connection was down. */
  refused = 0;
  /** Messages that were not sent because the server would have rejected them. */
  unfit = 0;

  constructor(nats: NatsConnection, isConnected: () => boolean) {
    this.#nats = nats;
    this.#isConnected = isConnected;
  }

  publish(subject: string, payload: Payload, options: PublishOptions): Published {
    const isOpen = this.#isConnected() && !this.#nats.isClosed();
    const result = isOpen ? this.#tryPublish(subject, payload, options) : "away";
    if (result === "away") this.refused += 1;
    else if (result === "unfit") this.unfit += 1;
    return result;
  }

  #tryPublish(subject: string, payload: Payload, options: PublishOptions): Published {
    try {
      this.#nats.publish(subject, payload, { ...options });
      return "sent";
    } catch (error) {
      const result = RESULTS[codeOf(error) ?? ""];
      if (result === undefined) throw error;
      return result;
    }
  }
}

export function byteLength(payload: Payload): number {
  return typeof payload === "string" ? Buffer.byteLength(payload) : payload.length;
}
