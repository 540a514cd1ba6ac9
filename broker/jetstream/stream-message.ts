// A message that a consumer pushed. JetStream puts the position of a message into its reply subject
// (nats-server, server/consumer.go):
//
//   $JS.ACK.<stream>.<consumer>.<deliveries>.<stream sequence>.<consumer sequence>.<time>.<waiting>
//   $JS.ACK.<domain>.<account>.<stream>.<consumer>.<deliveries>.…, sometimes with one more token at the end

import type { MsgHdrs } from "nats";

const PREFIX = "$JS.ACK.";
/** The number of tokens of the short form. */
const SHORT_TOKENS = 9;
/** The index of the stream's sequence in the short form, and in the long one. */
const SEQUENCE_AT = 5;
const LONG_SEQUENCE_AT = 7;
const NS_PER_MS = 1_000_000;

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

/** Parses a reply subject; returns undefined if it is not that of a pushed message. */
export function parsePosition(reply: string | undefined): StreamPosition | undefined {
  if (reply === undefined || !reply.startsWith(PREFIX)) return undefined;
  const tokens = reply.split(".");
  const at = tokens.length === SHORT_TOKENS ? SEQUENCE_AT : LONG_SEQUENCE_AT;
  const sequence = Number(tokens[at]);
  const delivered = Number(tokens[at + 1]);
  const timeMs = Math.floor(Number(tokens[at + 2]) / NS_PER_MS);
  const waiting = Number(tokens[at + 3]);
  return { sequence, delivered, timeMs, waiting };
}
