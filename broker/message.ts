// A message that arrived from NATS, its reply subject, and the error in its headers. Valid as long as it is
// held.

import type { Msg as NatsMsg } from "nats";
import { ERROR_CODE_HEADER, ERROR_HEADER } from "./headers.ts";
import { isReserved } from "./subjects.ts";

/** A message without the library's own `respond`, which throws: replies go through BrokerClient.respond. */
export type Msg = Pick<NatsMsg, "subject" | "reply" | "data" | "headers" | "json" | "string">;

/**
 * Returns the subject on which the sender waits for a reply; undefined if it does not wait (the library then
 * has ""). A sender may name any subject, also one on which it may not publish itself, so those that have a
 * meaning to services or servers are ignored: a reply is published with the permissions of the service.
 */
export function replyOf({ reply }: Pick<Msg, "reply">): string | undefined {
  return reply && !isReserved(reply) ? reply : undefined;
}

/** Returns the error that a micro service put into a reply's headers, if any. */
export function serviceErrorOf(reply: Msg): { code: number; message: string } | undefined {
  const message = reply.headers?.get(ERROR_HEADER) ?? "";
  if (message === "") return undefined;
  return { code: Number(reply.headers?.get(ERROR_CODE_HEADER)) || 500, message };
}
