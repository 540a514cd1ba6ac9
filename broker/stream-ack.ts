// JetStream's acknowledgements of publishes. A stream that captures a subject replies to every request on it
// as soon as it has stored the message, usually before the service to which the request is addressed; its
// reply is not the service's. Pure.

import type { Msg } from "./message.ts";

const OPEN_BRACE = "{".charCodeAt(0);

/**
 * Returns the name of the stream whose acknowledgement or refusal a reply is; undefined for any other reply.
 * A reply of ours that names the stream of its event also has `recipients`.
 */
export function streamOf(reply: Msg): string | undefined {
  if (reply.data[0] !== OPEN_BRACE || reply.headers !== undefined) return undefined;
  try {
    const { stream, seq, recipients } = reply.json<Record<string, unknown>>();
    return typeof stream === "string" && typeof seq === "number" && recipients === undefined
      ? stream
      : undefined;
  } catch {
    return undefined; // not JSON: a reply of some service
  }
}
