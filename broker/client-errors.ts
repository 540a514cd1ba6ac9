// What the NATS library throws, as errors of ours: with a code, and a remedy.

import { ErrorCode, NatsError } from "nats";
import { codeOf, messageOf } from "../lib/errors.ts";
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

export function requestError(subject: string, timeoutMs: number, cause: unknown): BrokerError {
  const code = codeOf(cause);
  if (code === ErrorCode.NoResponders) {
    return new BrokerError(
      "NO_RESPONDERS",
      `nobody answers on ${subject}: start the graph with \`encke graph serve\``,
      { cause },
    );
  }
  if (code === ErrorCode.Timeout) {
    return new BrokerError(
      "REQUEST_TIMEOUT",
      `no answer on ${subject} within ${timeoutMs} ms: see the service's log`,
      { cause },
    );
  }
  return new BrokerError(
    "NATS_DISCONNECTED",
    `${subject}: ${messageOf(cause)}; the connection comes back by itself, try again`,
    {
      cause,
    },
  );
}
