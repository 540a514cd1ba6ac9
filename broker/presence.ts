// What edges and the graph say to each other beside events. JSON, low rate, checked on both ends: an edge announces
// itself and its fan-out mode, the graph acknowledges; the graph tells an edge things, or asks how many saw an event.

import { z } from "zod";
import { BrokerError } from "./errors.ts";

/** How often an edge says that it lives, in milliseconds. */
export const BEAT_MS = 1_000;
/** An edge silent for so long is gone. */
export const EXPIRY_MS = 5_000;

export const FANOUT_MODES = ["subject"] as const;
export type FanoutMode = (typeof FANOUT_MODES)[number];

/** `presence.<edgeId>`, a request: "I am here and want my events so", or goodbye. */
export interface Beat {
  readonly edge: string;
  readonly mode: FanoutMode;
  readonly leaving?: boolean | undefined;
}

/** The answer to a beat: which start of the graph service heard it. */
export interface Acknowledgement {
  readonly epoch: number;
}

/** `edge.<edgeId>` and `edge.all`. */
export type EdgeOrder =
  /** Say `resync` to every stream: something was lost on the way. */
  | { readonly type: "resync"; readonly reason: string }
  /** Announce yourself now: the graph has just started. */
  | { readonly type: "announce" }
  /** Say that you have handled everything before this. A request. */
  | { readonly type: "mark" }
  /** How many saw this event? A request. */
  | { readonly type: "tally"; readonly event: string };

/** Answer to a tally; in parts where the list is long. */
export interface TallyPart {
  /** Recipients with at least one connection here. */
  readonly online: readonly string[];
  /** Connections to which the bytes were handed. */
  readonly delivered: number;
  readonly last: boolean;
}

const beat: z.ZodType<Beat> = z.object({
  edge: z.string().regex(/^[A-Za-z0-9]{1,32}$/),
  mode: z.enum(FANOUT_MODES),
  leaving: z.boolean().optional(),
});
const acknowledgement: z.ZodType<Acknowledgement> = z.object({ epoch: z.number() });
const order: z.ZodType<EdgeOrder> = z.discriminatedUnion("type", [
  z.object({ type: z.literal("resync"), reason: z.string().max(64) }),
  z.object({ type: z.literal("announce") }),
  z.object({ type: z.literal("mark") }),
  z.object({ type: z.literal("tally"), event: z.string().max(64) }),
]);
const tallyPart: z.ZodType<TallyPart> = z.object({
  online: z.array(z.string()),
  delivered: z.number().int().min(0),
  last: z.boolean(),
});

/** @throws BrokerError BAD_EVENT */
export function parseBeat(payload: Uint8Array): Beat {
  return parseWith(beat, payload);
}

/** @throws BrokerError BAD_EVENT */
export function parseAcknowledgement(payload: Uint8Array): Acknowledgement {
  return parseWith(acknowledgement, payload);
}

/** @throws BrokerError BAD_EVENT */
export function parseOrder(payload: Uint8Array): EdgeOrder {
  return parseWith(order, payload);
}

/** @throws BrokerError BAD_EVENT */
export function parseTallyPart(payload: Uint8Array): TallyPart {
  return parseWith(tallyPart, payload);
}

function parseWith<T>(schema: z.ZodType<T>, payload: Uint8Array): T {
  try {
    return schema.parse(JSON.parse(new TextDecoder().decode(payload)));
  } catch (cause) {
    throw new BrokerError(
      "BAD_EVENT",
      "an internal message is not of its form: do edge and graph run the same release?",
      { cause },
    );
  }
}
