// What the graph tells an edge about events besides the events: holes, ended follows, and replays. Each is
// the JSON body of a message in frame.ts and is validated here. A replay's events follow its JSON, one per
// line, as the bytes that live readers received.

import { z } from "zod";
import { BrokerError } from "./errors.ts";
import { looksEncoded } from "./event.ts";
import { type Hole, RESYNC_REASONS } from "./hole.ts";

/** A user no longer follows a topic, or must not receive a topic's or a sender's events any more. */
export interface Withdrawal {
  readonly user: string;
  /** The topic; absent for the messages to the user, which have none. */
  readonly topic?: string | undefined;
}

/** The reply to one replay request for one user. It may come in several pages. */
export interface ReplayPage {
  /** The number that the edge gave the request. */
  readonly request: number;
  /**
   * The position up to which this page is complete; the last page reaches the one that was requested. The
   * next page is requested after the requested position raised to this one, without the open events up to it.
   */
  readonly upTo: number;
  readonly last: boolean;
  /** Comes before the events of the page, which begin after it. */
  readonly hole?: Hole | undefined;
  /** Events as JSON, ascending. */
  readonly events: readonly string[];
}

const hole = z.object({
  reason: z.enum(RESYNC_REASONS),
  since: z.string().max(40).optional(),
  oldest: z.string().max(40).optional(),
});
const withdrawal = z.object({ user: z.string(), topic: z.string().optional() });
const count = z.number().int().min(0);
const page = z.object({ request: count, upTo: count, last: z.boolean(), hole: hole.optional() });

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function encodeHole(value: Hole): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

/** @throws BrokerError BAD_EVENT */
export function decodeHole(body: Uint8Array): Hole {
  return wellFormed(() => hole.parse(JSON.parse(decoder.decode(body))));
}

export function encodeWithdrawal(value: Withdrawal): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

/** @throws BrokerError BAD_EVENT */
export function decodeWithdrawal(body: Uint8Array): Withdrawal {
  return wellFormed(() => withdrawal.parse(JSON.parse(decoder.decode(body))));
}

/** @param events encoded events, which contain no line break */
export function encodeReplayPage(
  head: Omit<ReplayPage, "events">,
  events: readonly Uint8Array[],
): Uint8Array {
  const first = encoder.encode(JSON.stringify(head));
  const bytes = new Uint8Array(events.reduce((sum, event) => sum + event.length + 1, first.length));
  bytes.set(first);
  let at = first.length;
  for (const event of events) {
    bytes[at] = LINE_BREAK;
    bytes.set(event, at + 1);
    at += event.length + 1;
  }
  return bytes;
}

/** @throws BrokerError BAD_EVENT */
export function decodeReplayPage(body: Uint8Array): ReplayPage {
  return wellFormed(() => {
    const [first = "", ...events] = decoder.decode(body).split("\n");
    if (!events.every((event) => looksEncoded(encoder.encode(event)))) throw new Error("not an event");
    return { ...page.parse(JSON.parse(first)), events };
  });
}

const LINE_BREAK = "\n".charCodeAt(0);

/** @throws BrokerError BAD_EVENT */
function wellFormed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new BrokerError(
      "BAD_EVENT",
      "a message about events is malformed: do edge and graph run the same release?",
      { cause },
    );
  }
}
