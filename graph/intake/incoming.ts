// A message of a producer: what it says, and the checks that decide whether it is accepted. Every service
// that reads the same message comes to the same result. Stateless.

import {
  BrokerError,
  checkMessageId,
  checkPayload,
  type Topic,
  topicOfEvent,
  userOfSubject,
} from "../../broker/contract.ts";
import { AGAIN_HEADER, MESSAGE_ID_HEADER, type Msg, ORIGINAL_ID_HEADER } from "../../broker/index.ts";
import { quote } from "../../lib/errors.ts";
import { ROW_KIND, type RowKind } from "../history/row.ts";

/** Headers with which JetStream refuses a message, or does something else with it than to store it. */
const STREAM_HEADERS = /^nats-(?:expected-|rollup$|ttl$|incr$|batch-|schedule)/i;
/** JetStream stores at most so many bytes of headers. */
const MAX_HEADER_BYTES = 65_535;
/** `NATS/1.0`, a line break, and one at the end. */
const HEADER_FRAME_BYTES = 12;
/** A colon, a space and a line break for each header. */
const HEADER_LINE_BYTES = 4;

export interface Incoming {
  readonly kind: RowKind;
  /** The topic of an event or the recipient of a direct message. */
  readonly name: Topic;
  /** The topic of an event; undefined for a direct message. */
  readonly topic: Topic | undefined;
  /** The producer's `Nats-Msg-Id`; empty if there is none. */
  readonly messageId: string;
  readonly payload: Uint8Array;
}

/** A message as it arrives from a producer or from a stream. */
export interface Received {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers?: Msg["headers"] | undefined;
}

/**
 * Reads an event.
 * @param partitions the number of partitions
 * @throws BrokerError if it is malformed or too large
 */
export function readEvent(message: Received, partitions: number): Incoming {
  const topic = topicOfEvent(message.subject, partitions);
  return { kind: ROW_KIND.event, name: topic, topic, ...contentOf(message) };
}

/** Reads a message to a user. Parameters and errors are those of `readEvent`. */
export function readDirect(message: Received, partitions: number): Incoming {
  const user = userOfSubject(message.subject, partitions);
  return { kind: ROW_KIND.direct, name: user, topic: undefined, ...contentOf(message) };
}

/**
 * Refuses headers that a stream would act upon. Where there is no stream, they have no meaning.
 * @throws BrokerError BAD_HEADER
 */
export function refuseStreamHeaders(headers: Received["headers"]): void {
  if (headers === undefined) return;
  let bytes = HEADER_FRAME_BYTES;
  for (const name of headers.keys()) {
    if (STREAM_HEADERS.test(name))
      throw new BrokerError(
        "BAD_HEADER",
        `the header ${quote(name)} would change what the stream does with the event: send the event without it`,
      );
    for (const value of headers.values(name))
      bytes += Buffer.byteLength(name) + Buffer.byteLength(value) + HEADER_LINE_BYTES;
  }
  if (bytes > MAX_HEADER_BYTES)
    throw new BrokerError(
      "BAD_HEADER",
      `the headers have ${bytes} bytes, a stream stores at most ${MAX_HEADER_BYTES}: send fewer`,
    );
}

function contentOf({ data, headers }: Received): Pick<Incoming, "messageId" | "payload"> {
  const messageId = headers === undefined ? "" : checkMessageId(messageIdIn(headers));
  return { messageId, payload: checkPayload(data) };
}

/** A repaired event has a message id of the repair, beside its producer's. */
function messageIdIn(headers: NonNullable<Received["headers"]>): string {
  return headers.get(headers.has(AGAIN_HEADER) ? ORIGINAL_ID_HEADER : MESSAGE_ID_HEADER);
}
