// Handing one message to the NATS library, which throws where the message cannot be sent. Upstream (nats
// 2.29): `publish` throws NatsError for a closed connection, for a message larger than the server's
// max_payload, and for headers where the server takes none. Here that is a result.

import { ErrorCode, type MsgHdrs, type NatsConnection } from "nats";
import { codeOf } from "../lib/errors.ts";

/**
 * What became of a message: handed to the connection; not sent because NATS is away; not sent because the
 * server does not take it, since it is larger than `max_payload` or has headers where the server takes none.
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

/** Never throws for the state of the connection or the size of the message. */
export function tryPublish(
  nats: NatsConnection,
  subject: string,
  payload: Uint8Array | string,
  options: PublishOptions,
): Published {
  try {
    nats.publish(subject, payload, { ...options });
    return "sent";
  } catch (error) {
    const result = RESULTS[codeOf(error) ?? ""];
    if (result === undefined) throw error;
    return result;
  }
}
