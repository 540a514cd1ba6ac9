// JetStream's acknowledgements of publishes. A stream that captures a subject replies to every request on it,
// as fast as it stores the message and mostly before the service that the request is for; its reply is not
// the service's. Pure.

import type { Msg } from "./message.ts";

const OPEN_BRACE = "{".charCodeAt(0);

/**
 * The name of the stream that a reply is the acknowledgement of, or the refusal; undefined for any other
 * reply. A reply of ours that names the stream of its event has `recipients` too.
 */
export function streamOf(reply: Msg): string | undefined {
  if (reply.data[0] !== OPEN_BRACE || reply.headers !== undefined) return undefined;
  try {
    const { stream, seq, recipients } = reply.json<Record<string, unknown>>();
    return typeof stream === "string" && typeof seq === "number" && recipients === undefined
      ? stream
      : undefined;
  } catch {
    return undefined; // not JSON: a service's own matter
  }
}
