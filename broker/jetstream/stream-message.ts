// A message that a consumer pushed. JetStream puts the position of a message into its reply subject
// (nats-server, server/consumer.go):
//
//   $JS.ACK.<stream>.<consumer>.<deliveries>.<stream sequence>.<consumer sequence>.<time>.<waiting>
//   $JS.ACK.<domain>.<account>.<stream>.<consumer>.<deliveries>.…, sometimes with one more token at the end

import type { MsgHdrs } from "nats";

const PREFIX = "$JS.ACK.";
const DOT = ".".charCodeAt(0);
const ZERO = "0".charCodeAt(0);
/** The number of dots in the short form. */
const SHORT_DOTS = 8;
/** The dot before the stream's sequence, in the short form and in the long one. */
const SEQUENCE_DOT = 4;
const LONG_SEQUENCE_DOT = 6;
/** The digits of a time in nanoseconds after its milliseconds. */
const SUBMILLISECOND_DIGITS = 6;

/** A message of a stream. */
export interface StreamMessage {
  readonly sequence: number;
  /** When the stream stored it, in milliseconds since 1970. */
  readonly timeMs: number;
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers: MsgHdrs | undefined;
}

export interface StreamPosition {
  readonly sequence: number;
  /** Counts the messages of the consumer, from 1. */
  readonly delivered: number;
  readonly timeMs: number;
  /** The number of messages of the stream after this one. */
  readonly waiting: number;
}

/**
 * Where the dots of the reply subject are that was parsed last: a new array for each would cost as much
 * again.
 */
const dots: number[] = [];

/** Parses a reply subject; returns undefined if it is not that of a pushed message. */
export function parsePosition(reply: string | undefined): StreamPosition | undefined {
  if (reply === undefined || !reply.startsWith(PREFIX)) return undefined;
  let count = 0;
  for (let at = 0; at < reply.length; at += 1)
    if (reply.charCodeAt(at) === DOT) {
      dots[count] = at;
      count += 1;
    }
  dots[count] = reply.length;
  const first = count === SHORT_DOTS ? SEQUENCE_DOT : LONG_SEQUENCE_DOT;
  return {
    sequence: numberAfter(reply, first),
    delivered: numberAfter(reply, first + 1),
    timeMs: numberAfter(reply, first + 2, SUBMILLISECOND_DIGITS),
    waiting: numberAfter(reply, first + 3),
  };
}

/** Returns the number between a dot and the next one, without its last digits. */
function numberAfter(text: string, dot: number, without = 0): number {
  const end = (dots[dot + 1] as number) - without;
  let number = 0;
  for (let at = (dots[dot] as number) + 1; at < end; at += 1)
    number = number * 10 + text.charCodeAt(at) - ZERO;
  return number;
}
