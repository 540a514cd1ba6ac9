// What the NATS library throws, as errors of ours: with a code, and a remedy.

import { ErrorCode, NatsError } from "nats";
import { codeOf, messageOf, quote } from "../lib/errors.ts";
import { BrokerError } from "./errors.ts";

/** Credentials that the server does not take: waiting for it does not help. */
export function isRefusal(cause: unknown): boolean {
  return cause instanceof NatsError && (cause.isAuthError() || cause.code === ErrorCode.BadCreds);
}

/** @param servers where it was tried */
export function connectError(servers: string, cause: unknown): BrokerError {
  const remedy = isRefusal(cause)
    ? "check NATS_USER, NATS_PASSWORD, NATS_CREDS or NATS_NKEY"
    : "start one with `encke up` or `encke broker`, or point NATS_URL (-s) at yours";
  return new BrokerError("NATS_UNREACHABLE", `no NATS at ${servers} (${messageOf(cause)}): ${remedy}`, {
    cause,
  });
}

/** @param stream the JetStream stream that acknowledged the request meanwhile, if any */
export function timeoutError(subject: string, timeoutMs: number, stream: string | undefined): BrokerError {
  if (stream === undefined)
    return new BrokerError(
      "REQUEST_TIMEOUT",
      `no answer on ${subject} within ${timeoutMs} ms: see the service's log`,
    );
  return new BrokerError(
    "ONLY_STREAM_REPLIED",
    `only the JetStream stream ${quote(stream)} replied on ${subject} within ${timeoutMs} ms, no service did: ` +
      "start the graph with `encke graph serve`",
  );
}

/** @param cause undefined where the connection was down before the request was sent */
export function requestError(subject: string, cause?: unknown): BrokerError {
  const code = codeOf(cause);
  if (code === ErrorCode.NoResponders) {
    return new BrokerError(
      "NO_RESPONDERS",
      `nobody answers on ${subject}: start the graph with \`encke graph serve\``,
      { cause },
    );
  }
  const reason = cause === undefined ? "NATS is away" : messageOf(cause);
  return new BrokerError(
    "NATS_DISCONNECTED",
    `${subject}: ${reason}; the connection comes back by itself, try again`,
    {
      cause,
    },
  );
}

/** @param what of ours is too large, as the subject of the sentence */
export function tooLargeError(what: string, bytes: number, maxPayload: number): BrokerError {
  return new BrokerError(
    "PAYLOAD_TOO_LARGE",
    `${what} has ${bytes} bytes, and NATS' max_payload is ${maxPayload}: send less at once, or raise max_payload`,
  );
}
