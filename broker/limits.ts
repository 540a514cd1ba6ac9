// What a NATS server takes in one message, its `max_payload`, and what follows from it. The client reads it
// at every connect (client.ts); whatever may be longer is split by those who send it, and an event, which
// cannot be split, is judged here by its encoded size. Pure.

import { BrokerError } from "./errors.ts";

/** An empty frame, a beat or an acknowledgement may not fit below this: nothing works. */
const MIN_MAX_PAYLOAD = 16_384;
/** Every event fits from here on: 64 KiB of control characters are 384 KiB of JSON. */
export const WANTED_MAX_PAYLOAD = 409_600;
/**
 * Bytes in a message beside the event that it carries to an edge: NATS headers, or a frame's heads and its
 * id, with a user's name or handles of some 200 recipients.
 */
const CARRIER_BYTES = 1_024;

/**
 * Refuses an event's JSON that a server which takes messages of `maxPayload` bytes cannot carry to the edges.
 * @throws BrokerError PAYLOAD_TOO_LARGE
 */
export function checkEncoded(json: Uint8Array, maxPayload: number): void {
  const max = maxPayload - CARRIER_BYTES;
  if (json.length <= max) return;
  throw new BrokerError(
    "PAYLOAD_TOO_LARGE",
    `the event has ${json.length} bytes once encoded, and at most ${max} fit into NATS' max_payload of ${maxPayload}: ` +
      "publish a link to large data, or raise max_payload",
  );
}

/** Why nothing works with such a server; undefined where it does. */
export function unfitnessOf(maxPayload: number, hasHeaders: boolean): string | undefined {
  if (!hasHeaders) return "NATS takes no headers: remove no_header_support from its configuration";
  if (maxPayload >= MIN_MAX_PAYLOAD) return undefined;
  return `NATS takes at most ${maxPayload} bytes in a message, and ${MIN_MAX_PAYLOAD} are needed: raise max_payload`;
}
