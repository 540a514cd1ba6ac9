// Requests with one reply. If a JetStream stream captures one of Encke's subjects, the stream usually
// acknowledges the request before the service replies; that acknowledgement is ignored. Stateless.

import { type MsgHdrs, type NatsConnection, RequestStrategy } from "nats";
import { requestError, timeoutError, tooLargeError } from "./client-errors.ts";
import type { Msg } from "./message.ts";
import { byteLength, type Payload } from "./publishing.ts";
import { streamOf } from "./stream-ack.ts";
import { isOwnSubject } from "./subjects.ts";

export interface RequestOptions {
  readonly timeoutMs: number;
  /** The server's maximum for one message, in bytes. */
  readonly maxPayload: number;
  readonly headers?: MsgHdrs;
}

/**
 * Sends a request and returns its reply.
 * @throws BrokerError NO_RESPONDERS, REQUEST_TIMEOUT, ONLY_STREAM_REPLIED, NATS_DISCONNECTED or
 * PAYLOAD_TOO_LARGE
 */
export async function request(
  nats: NatsConnection,
  subject: string,
  payload: Payload,
  { timeoutMs, maxPayload, headers }: RequestOptions,
): Promise<Msg> {
  const bytes = byteLength(payload);
  if (bytes > maxPayload) throw tooLargeError("the message", bytes, maxPayload);
  const options = { strategy: RequestStrategy.Timer, maxWait: timeoutMs, ...(headers && { headers }) };
  let stream: string | undefined;
  try {
    for await (const reply of await nats.requestMany(subject, payload, options)) {
      const acknowledging = isOwnSubject(subject) ? streamOf(reply) : undefined;
      if (acknowledging === undefined) return reply;
      stream = acknowledging;
    }
  } catch (cause) {
    throw requestError(subject, cause);
  }
  throw timeoutError(subject, timeoutMs, stream);
}
