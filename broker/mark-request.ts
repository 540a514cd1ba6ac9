// What an edge in `subject` mode asks the owner of a partition about users to whose copies it has just
// subscribed: a marker among the copies. NATS keeps the order of one publisher's messages, so a marker that
// arrives proves that the copies published after it arrive, too. A request may be sent again.

import { z } from "zod";
import { BrokerError } from "./errors.ts";

/** Maximum number of users per request. */
export const MAX_MARKS = 1_024;

export interface MarkRequest {
  readonly edge: string;
  /** Each user with the number of the edge's subscription, which the marker repeats. */
  readonly users: readonly (readonly [user: string, subscription: number])[];
}

const count = z.number().int().min(0);
const request: z.ZodType<MarkRequest> = z.object({
  edge: z.string().max(64),
  users: z.array(z.tuple([z.string(), count])).max(MAX_MARKS),
});

/** What a marker says, in a header of an empty message on `copy.<user>`. */
export interface Marker {
  readonly edge: string;
  readonly subscription: number;
  readonly partition: number;
  /** Copies of what begins after this position arrive at the subscription. */
  readonly epoch: number;
  readonly sequence: number;
  readonly open: readonly number[];
}

const marker: z.ZodType<Marker> = z.object({
  edge: z.string(),
  subscription: count,
  partition: count,
  epoch: count,
  sequence: count,
  open: z.array(count).max(64),
});

export function encodeMarkRequest(value: MarkRequest): string {
  return JSON.stringify(value);
}

/** @throws BrokerError BAD_EVENT */
export function parseMarkRequest(payload: Uint8Array): MarkRequest {
  return wellFormed(() => request.parse(JSON.parse(new TextDecoder().decode(payload))));
}

export function encodeMarker(value: Marker): string {
  return JSON.stringify(value);
}

/** @throws BrokerError BAD_EVENT */
export function parseMarker(text: string): Marker {
  return wellFormed(() => marker.parse(JSON.parse(text)));
}

/** @throws BrokerError BAD_EVENT */
function wellFormed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new BrokerError("BAD_EVENT", "a marker is malformed: do edge and graph run the same release?", {
      cause,
    });
  }
}
