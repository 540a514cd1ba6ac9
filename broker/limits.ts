// The maximum size of a message on a NATS server, its `max_payload`, and its consequences. The client reads
// it at every connect (client.ts). Senders split what may be longer; an event cannot be split, so its encoded
// size is checked here. Pure.

import { BrokerError } from "./errors.ts";

/** Below this, an empty frame, a beat or an acknowledgement may not fit, and nothing works. */
const MIN_MAX_PAYLOAD = 16_384;
/** From here on every event fits: 64 KiB of control characters are 384 KiB of JSON. */
export const WANTED_MAX_PAYLOAD = 409_600;
/**
 * Bytes in a message besides the event that it carries to an edge: NATS headers, or a frame's heads and its
 * id, with a user's name or the handles of some 200 recipients.
 */
const CARRIER_BYTES = 1_024;

/** Whether an event's JSON fits into a message of `maxPayload` bytes to the edges. */
export function fitsMessage(json: Uint8Array, maxPayload: number): boolean {
  return json.length <= maxPayload - CARRIER_BYTES;
}

/**
 * Refuses an event's JSON that does not fit into a message of `maxPayload` bytes to the edges.
 * @throws BrokerError PAYLOAD_TOO_LARGE
 */
export function checkEncoded(json: Uint8Array, maxPayload: number): void {
  if (fitsMessage(json, maxPayload)) return;
  const max = maxPayload - CARRIER_BYTES;
  throw new BrokerError(
    "PAYLOAD_TOO_LARGE",
    `the event has ${json.length} bytes once encoded, and at most ${max} fit into NATS' max_payload of ${maxPayload}: ` +
      "publish a link to large data, or raise max_payload",
  );
}

/** Returns why nothing works with such a server, or undefined if it does. */
export function unfitnessOf(maxPayload: number, hasHeaders: boolean): string | undefined {
  if (!hasHeaders) return "NATS takes no headers: remove no_header_support from its configuration";
  if (maxPayload >= MIN_MAX_PAYLOAD) return undefined;
  return `NATS takes at most ${maxPayload} bytes in a message, and ${MIN_MAX_PAYLOAD} are needed: raise max_payload`;
}
