// NATS headers of our own. The fan-out marks its copies, so that an edge can tell an expanded event from a
// message that a producer published directly to a user, and no message is delivered both ways.

import { headers, type MsgHdrs } from "nats";
import { encodeMarker, type Marker } from "./mark-request.ts";

/** On a copy of an event, its id. */
export const EVENT_HEADER = "Encke-Event";
/** On a copy whose deliveries will be counted, "1". */
export const COUNT_HEADER = "Encke-Count";
/** On an empty message among the copies, a marker as JSON (mark-request.ts). */
export const MARKER_HEADER = "Encke-Marker";
/** On an event, its producer's message id, as in JetStream (message-id.ts). */
export const MESSAGE_ID_HEADER = "Nats-Msg-Id";
/**
 * On an event that a graph service publishes again because the stream did not store it: the repair's token.
 */
export const AGAIN_HEADER = "Encke-Again";
/** On such an event, its producer's message id. */
export const ORIGINAL_ID_HEADER = "Encke-Msg-Id";
/** On an error reply, as in NATS micro services. */
export const ERROR_HEADER = "Nats-Service-Error";
export const ERROR_CODE_HEADER = "Nats-Service-Error-Code";

/** Returns the headers of every copy of one event. They are encoded once, not per recipient. */
export function eventHeaders(id: string, counted: boolean): MsgHdrs {
  const made = headers();
  made.set(EVENT_HEADER, id);
  if (counted) made.set(COUNT_HEADER, "1");
  return encodedOnce(made);
}

/** Returns the header of a marker. */
export function markerHeaders(marker: Marker): MsgHdrs {
  const made = headers();
  made.set(MARKER_HEADER, encodeMarker(marker));
  return made;
}

/** Returns the headers of a message that may be sent again with the same id. */
export function messageIdHeaders(messageId: string): MsgHdrs {
  const made = headers();
  made.set(MESSAGE_ID_HEADER, messageId);
  return made;
}

/**
 * Returns the headers of an event that is published again.
 * @param token identifies the repair
 * @param originalId the producer's message id; empty if there is none
 * @param messageId the message id that the stream sees
 */
export function againHeaders(token: string, originalId: string, messageId: string): MsgHdrs {
  const made = messageIdHeaders(messageId);
  made.set(AGAIN_HEADER, token);
  if (originalId !== "") made.set(ORIGINAL_ID_HEADER, originalId);
  return made;
}

/** Returns the headers of an error reply. `code` follows HTTP. */
export function errorHeaders(code: number, message: string): MsgHdrs {
  const made = headers();
  made.set(ERROR_HEADER, message.replace(/[\r\n]+/g, " "));
  made.set(ERROR_CODE_HEADER, String(code));
  return made;
}

// The client calls headers.encode() (which is not in its public type) at each publish, and would build the
// same bytes for each of 31 followers.
function encodedOnce(made: MsgHdrs): MsgHdrs {
  const encodable = made as MsgHdrs & { encode?(): Uint8Array };
  const bytes = encodable.encode?.();
  if (bytes === undefined) return made;
  encodable.encode = () => bytes;
  return encodable;
}
