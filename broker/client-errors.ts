// Turns errors of the NATS library into errors of ours, with a code and a remedy.

import { ErrorCode, NatsError } from "nats";
import { codeOf, messageOf, quote } from "../lib/errors.ts";
import { BrokerError } from "./errors.ts";

/** Errors about credentials, for which waiting does not help. */
export function isRefusal(cause: unknown): boolean {
  return cause instanceof NatsError && (cause.isAuthError() || cause.code === ErrorCode.BadCreds);
}

/**
 * Returns the error of a connection that could not be opened.
 * @param servers the addresses that were tried
 */
export function connectError(servers: string, cause: unknown): BrokerError {
  const remedy = isRefusal(cause)
    ? "check NATS_USER, NATS_PASSWORD, NATS_CREDS or NATS_NKEY"
    : "start one with `encke up` or `encke broker`, or point NATS_URL (-s) at yours";
  return new BrokerError("NATS_UNREACHABLE", `no NATS at ${servers} (${messageOf(cause)}): ${remedy}`, {
    cause,
  });
}

/**
 * Returns the error of a request without a reply in time.
 * @param stream the JetStream stream that acknowledged the request, if any
 */
export function timeoutError(subject: string, timeoutMs: number, stream: string | undefined): BrokerError {
  if (stream === undefined)
    return new BrokerError(
      "REQUEST_TIMEOUT",
      `no reply on ${subject} within ${timeoutMs} ms: see the service's log`,
    );
  return new BrokerError(
    "ONLY_STREAM_REPLIED",
    `only the JetStream stream ${quote(stream)} replied on ${subject} within ${timeoutMs} ms, no service did: ` +
      "start the graph with `encke graph serve`",
  );
}

/**
 * Returns the error of a request that failed because of the connection.
 * @param cause undefined if the connection was down before the request was sent
 */
export function requestError(subject: string, cause?: unknown): BrokerError {
  const code = codeOf(cause);
  if (code === ErrorCode.NoResponders) {
    return new BrokerError(
      "NO_RESPONDERS",
      `no service replies on ${subject}: start the graph with \`encke graph serve\``,
      { cause },
    );
  }
  const reason = cause === undefined ? "NATS is not connected" : messageOf(cause);
  return new BrokerError(
    "NATS_DISCONNECTED",
    `${subject}: ${reason}; the client is reconnecting: try again`,
    {
      cause,
    },
  );
}

/**
 * Returns the error of a message that is too large.
 * @param what the message, as the subject of the sentence
 */
export function tooLargeError(what: string, bytes: number, maxPayload: number): BrokerError {
  return new BrokerError(
    "PAYLOAD_TOO_LARGE",
    `${what} has ${bytes} bytes, and NATS' max_payload is ${maxPayload}: send less at once, or raise max_payload`,
  );
}
