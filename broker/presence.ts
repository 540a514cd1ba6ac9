// What edges and the graph say to each other beside events. JSON, checked on both ends. An edge announces itself, its
// fan-out mode and, in `frames` mode, every user who comes and goes; the graph acknowledges. Everything that the
// graph says to an edge travels on that edge's one subject, in order with the events.
//
// An edge's presence comes in epochs. Each begins with sequence 1 and everybody who is connected; a gap, a restart of
// the graph or a lost connection begins the next. Handles are numbers that the edge gives its users; they hold in one
// epoch, and a handle means somebody else only after the graph has acknowledged that its user left.
//
// Where the topics are split (partition.ts), every graph service hears every edge, and speaks for the partitions that it
// owns. An edge learns from its services' orders how many partitions there are, and needs an owner's word for each.

import { z } from "zod";
import { BrokerError } from "./errors.ts";
import { MAX_PARTITIONS } from "./partition.ts";

/**
 * The version of these messages, which each of them carries. Version 1, the release before versions, carries none and
 * calls the mode `frames` "gateway"; it is served. Edges and graph services of other versions are refused.
 */
export const PRESENCE_VERSION = 2;
const OLDEST_PRESENCE_VERSION = 1;

/** How often an edge says that it lives, in milliseconds. */
export const BEAT_MS = 1_000;
/** An edge silent for so long is gone. */
export const EXPIRY_MS = 5_000;
/** Users who come, or go, in one message; fewer where the server's max_payload is small. */
export const MAX_DELTA = 4_000;

/** Highest handle: an edge has as many as users who are connected, which its descriptors bound. */
const MAX_HANDLE = 4_194_303;

export const FANOUT_MODES = ["subject", "frames"] as const;
export type FanoutMode = (typeof FANOUT_MODES)[number];

/** `presence.<edgeId>` */
export type PresenceMessage =
  /** "I live; `sequence` was the last delta of this epoch." */
  | {
      readonly type: "beat";
      readonly mode: FanoutMode;
      readonly epoch: number;
      readonly sequence: number;
    }
  /** Who left, then who came, since the delta before. */
  | {
      readonly type: "delta";
      readonly mode: FanoutMode;
      readonly epoch: number;
      readonly sequence: number;
      readonly leaves: readonly number[];
      readonly joins: readonly (readonly [user: string, handle: number])[];
      /** Everybody of the epoch's beginning has been named. */
      readonly complete: boolean;
    }
  | { readonly type: "leaving" };

/** A message of a version that this release does not speak. */
export interface UnknownVersion {
  readonly type: "unknown-version";
  readonly version: number;
}

/** Which graph service speaks. */
export interface Owner {
  /** Its start; another start of it is another number. */
  readonly graph: number;
  /** The partitions for which it speaks, of so many; 0 of 1 where the topics are not split. */
  readonly partitions: readonly number[];
  readonly of: number;
}

/** `edge.<edgeId>` and `edge.all`. */
export type EdgeOrder =
  /** Everything up to this sequence has been heard, by this service. */
  | (Owner & { readonly type: "acknowledge"; readonly epoch: number; readonly sequence: number })
  /** I do not know you, or missed something: begin an epoch after this one. */
  | (Owner & { readonly type: "restart"; readonly epoch: number })
  /** This service has just started: announce yourself. */
  | (Owner & { readonly type: "announce" })
  /** I do not speak your version of the protocol, but this one. */
  | { readonly type: "refuse"; readonly speaks: number }
  /** Say `resync` to every stream: something was lost on the way. */
  | { readonly type: "resync"; readonly reason: string }
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

/** Bytes of a delta without users, and of one who leaves, at most. */
export const DELTA_HEAD_BYTES = 200;
export const LEAVE_BYTES = 8;

/** Bytes of one who comes, at most: `["user",handle],`. */
export function joinBytes(user: string): number {
  return user.length + 13;
}

const count = z.number().int().min(0);
const handle = z.number().int().min(0).max(MAX_HANDLE);
const epoch = z.number().int().min(0).max(0xffff_ffff);
const mode = z.preprocess((given) => (given === "gateway" ? "frames" : given), z.enum(FANOUT_MODES));
const presenceMessage: z.ZodType<PresenceMessage> = z.discriminatedUnion("type", [
  z.object({ type: z.literal("beat"), mode, epoch, sequence: count }),
  z.object({
    type: z.literal("delta"),
    mode,
    epoch,
    sequence: count,
    leaves: z.array(handle).max(MAX_DELTA),
    joins: z.array(z.tuple([z.string(), handle])).max(MAX_DELTA),
    complete: z.boolean(),
  }),
  z.object({ type: z.literal("leaving") }),
]);
const owner = {
  graph: z.number(),
  partitions: z
    .array(count.max(MAX_PARTITIONS - 1))
    .min(1)
    .max(MAX_PARTITIONS),
  of: count.min(1).max(MAX_PARTITIONS),
};
const order: z.ZodType<EdgeOrder> = z.discriminatedUnion("type", [
  z.object({ type: z.literal("acknowledge"), ...owner, epoch, sequence: count }),
  z.object({ type: z.literal("restart"), ...owner, epoch: count }),
  z.object({ type: z.literal("announce"), ...owner }),
  z.object({ type: z.literal("refuse"), speaks: count }),
  z.object({ type: z.literal("resync"), reason: z.string().max(64) }),
  z.object({ type: z.literal("mark") }),
  z.object({ type: z.literal("tally"), event: z.string().max(64) }),
]);
const tallyPart: z.ZodType<TallyPart> = z.object({
  online: z.array(z.string()),
  delivered: count,
  last: z.boolean(),
});

/** What an operator reads where the two ends of the protocol are of releases that cannot talk. */
export function otherVersion(who: string, version: number): string {
  return (
    `${who} speaks version ${version} of the presence protocol and this process version ${PRESENCE_VERSION}: ` +
    "run the same release of Encke on both"
  );
}

const versioned = z.object({ version: count.default(OLDEST_PRESENCE_VERSION) });

/** A message as it is sent, with the version. */
export function encodePresence(message: PresenceMessage): string {
  return JSON.stringify({ version: PRESENCE_VERSION, ...message });
}

/** An order as it is sent, with the version. */
export function encodeOrder(order: EdgeOrder): string {
  return JSON.stringify({ version: PRESENCE_VERSION, ...order });
}

/** @throws BrokerError BAD_EVENT */
export function parsePresence(payload: Uint8Array): PresenceMessage | UnknownVersion {
  return parseVersioned(presenceMessage, payload);
}

/** @throws BrokerError BAD_EVENT */
export function parseOrder(payload: Uint8Array): EdgeOrder | UnknownVersion {
  return parseVersioned(order, payload);
}

/** @throws BrokerError BAD_EVENT */
export function parseTallyPart(payload: Uint8Array): TallyPart {
  return wellFormed(() => tallyPart.parse(parseJson(payload)));
}

function parseVersioned<T>(schema: z.ZodType<T>, payload: Uint8Array): T | UnknownVersion {
  return wellFormed(() => {
    const message = parseJson(payload);
    const { version } = versioned.parse(message);
    const isKnown = version >= OLDEST_PRESENCE_VERSION && version <= PRESENCE_VERSION;
    return isKnown ? schema.parse(message) : { type: "unknown-version", version };
  });
}

function parseJson(payload: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(payload));
}

/** @throws BrokerError BAD_EVENT */
function wellFormed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new BrokerError(
      "BAD_EVENT",
      "an internal message is not of its form: do edge and graph run the same release?",
      { cause },
    );
  }
}
