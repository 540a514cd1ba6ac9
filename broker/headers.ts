// NATS headers of our own. The fan-out marks what it publishes, so that an edge can tell an expanded event from a
// message that a producer sent straight to a user, and no message travels both ways.

import { headers, type MsgHdrs } from "nats";

/** On a copy of an event: its id. */
export const EVENT_HEADER = "Encke-Event";
/** On a copy whose deliveries somebody counts: "1". */
export const COUNT_HEADER = "Encke-Count";
/** On an error reply, as NATS micro services spell them. */
export const ERROR_HEADER = "Nats-Service-Error";
export const ERROR_CODE_HEADER = "Nats-Service-Error-Code";

/** Headers of every copy of one event. They encode once, not once a recipient. */
export function eventHeaders(id: string, counted: boolean): MsgHdrs {
  const made = headers();
  made.set(EVENT_HEADER, id);
  if (counted) made.set(COUNT_HEADER, "1");
  return encodedOnce(made);
}

/** Headers of an error reply. `code` follows HTTP. */
export function errorHeaders(code: number, message: string): MsgHdrs {
  const made = headers();
  made.set(ERROR_HEADER, message.replace(/[\r\n]+/g, " "));
  made.set(ERROR_CODE_HEADER, String(code));
  return made;
}

// The client calls headers.encode() (not in its public type) at each publish; 31 followers would build the same
// bytes 31 times.
function encodedOnce(made: MsgHdrs): MsgHdrs {
  const encodable = made as MsgHdrs & { encode?(): Uint8Array };
  const bytes = encodable.encode?.();
  if (bytes === undefined) return made;
  encodable.encode = () => bytes;
  return encodable;
}
