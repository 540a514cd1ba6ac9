// The messages between edges and the graph besides events, as JSON that both ends validate. An edge announces
// itself, its fan-out mode and, in `frames` mode, every user who joins or leaves; the graph acknowledges.
// Everything that the graph sends to an edge travels on that edge's one subject, in order with the events.
//
// An edge's presence consists of epochs. Each begins with sequence 1 and all connected users; a gap, a
// restart of the graph or a lost connection begins the next one. Handles are numbers that the edge assigns to
// its users. They are valid in one epoch, and a handle is reused only after the graph has acknowledged that
// its user left.
//
// If the topics are partitioned (partition.ts), every graph service receives the presence of every edge, and
// acknowledges for the partitions that it owns. An edge learns the number of partitions from the services'
// orders, and needs the acknowledgement of each owner.

import { z } from "zod";
import { BrokerError } from "./errors.ts";
import { MAX_PARTITIONS } from "./partition.ts";

/**
 * The version of these messages, which each of them carries. Edges and graph services of other versions are
 * refused: before version 3, messages had no positions and lost events could not be replayed.
 */
export const PRESENCE_VERSION = 3;
/** Messages of the release before versions carry none. */
const UNVERSIONED = 1;

/** Interval of an edge's beats, in milliseconds. */
export const BEAT_MS = 1_000;
/** An edge that is silent for this long is expired. */
export const EXPIRY_MS = 5_000;
/** Maximum number of users who join or leave in one message; fewer if the server's max_payload is small. */
export const MAX_DELTA = 4_000;

/** Highest handle. An edge has as many handles as connected users, which its descriptors limit. */
const MAX_HANDLE = 4_194_303;

export const FANOUT_MODES = ["subject", "frames"] as const;
export type FanoutMode = (typeof FANOUT_MODES)[number];

/** Messages on `presence.<edgeId>`. */
export type PresenceMessage =
  /** A sign of life; `sequence` is the last delta of this epoch. */
  | {
      readonly type: "beat";
      readonly mode: FanoutMode;
      readonly epoch: number;
      readonly sequence: number;
    }
  /** Users who left, then users who joined, since the previous delta. */
  | {
      readonly type: "delta";
      readonly mode: FanoutMode;
      readonly epoch: number;
      readonly sequence: number;
      readonly leaves: readonly number[];
      readonly joins: readonly (readonly [user: string, handle: number])[];
      /** Whether the snapshot at the beginning of the epoch is complete. */
      readonly complete: boolean;
      /** In the first delta of an epoch: what the edge has received, where it has received anything. */
      readonly positions?: readonly EdgePosition[] | undefined;
    }
  | { readonly type: "leaving" };

/** A message of a version that this release does not support. */
export interface UnknownVersion {
  readonly type: "unknown-version";
  readonly version: number;
}

/** How far an edge has come in one partition: everything up to the sequence except the open events. */
export interface EdgePosition {
  readonly partition: number;
  readonly epoch: number;
  readonly sequence: number;
  readonly open: readonly number[];
}

/** What an owner has sent to an edge in one partition and presence epoch. */
export interface SentPosition extends EdgePosition {
  /** The number of the last message about events: see frame.ts. */
  readonly number: number;
}

/** Identifies a graph service. */
export interface Owner {
  /** Its start; a restart has another number. */
  readonly graph: number;
  /** The partitions that it owns, and their total number; 0 of 1 if the topics are not partitioned. */
  readonly partitions: readonly number[];
  readonly of: number;
}

/** Messages on `edge.<edgeId>` and `edge.all`. */
export type EdgeOrder =
  /** The service has received everything up to this sequence, and has sent everything up to the positions. */
  | (Owner & {
      readonly type: "acknowledge";
      readonly epoch: number;
      readonly sequence: number;
      readonly positions: readonly SentPosition[];
    })
  /** The edge is unknown, or the graph missed something: begin an epoch higher than this one. */
  | (Owner & { readonly type: "restart"; readonly epoch: number })
  /** The service has just started: announce yourself. */
  | (Owner & { readonly type: "announce" })
  /** The service supports this version of the protocol, and not the edge's. */
  | { readonly type: "refuse"; readonly speaks: number }
  /** A request: reply when everything before this message has been handled. */
  | { readonly type: "mark" }
  /** A request for the number of deliveries of this event. */
  | { readonly type: "tally"; readonly event: string };

/** The reply to a tally, in several parts if the list is long. */
export interface TallyPart {
  /** Recipients with at least one open stream here. */
  readonly online: readonly string[];
  /** Streams to which the bytes were written. */
  readonly delivered: number;
  readonly last: boolean;
}

/** Maximum size of a delta without users, and of one user who leaves. */
export const DELTA_HEAD_BYTES = 200;
export const LEAVE_BYTES = 8;

/** Maximum size of one user who joins: `["user",handle],`. */
export function joinBytes(user: string): number {
  return user.length + 13;
}

const count = z.number().int().min(0);
const handle = z.number().int().min(0).max(MAX_HANDLE);
const epoch = z.number().int().min(0).max(0xffff_ffff);
const mode = z.preprocess((given) => (given === "gateway" ? "frames" : given), z.enum(FANOUT_MODES));
const position = {
  partition: count.max(MAX_PARTITIONS - 1),
  epoch: count,
  sequence: count,
  open: z.array(count).max(64),
};
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
    positions: z.array(z.object(position)).max(MAX_PARTITIONS).optional(),
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
  z.object({
    type: z.literal("acknowledge"),
    ...owner,
    epoch,
    sequence: count,
    positions: z.array(z.object({ ...position, number: count })).max(MAX_PARTITIONS),
  }),
  z.object({ type: z.literal("restart"), ...owner, epoch: count }),
  z.object({ type: z.literal("announce"), ...owner }),
  z.object({ type: z.literal("refuse"), speaks: count }),
  z.object({ type: z.literal("mark") }),
  z.object({ type: z.literal("tally"), event: z.string().max(64) }),
]);
const tallyPart: z.ZodType<TallyPart> = z.object({
  online: z.array(z.string()),
  delivered: count,
  last: z.boolean(),
});

/** Returns the log message about two ends of the protocol whose releases do not match. */
export function otherVersion(who: string, version: number): string {
  return (
    `${who} speaks version ${version} of the presence protocol and this process version ${PRESENCE_VERSION}: ` +
    "run the same release of Encke on both"
  );
}

const versioned = z.object({ version: count.default(UNVERSIONED) });

/** Encodes a message with the version. */
export function encodePresence(message: PresenceMessage): string {
  return JSON.stringify({ version: PRESENCE_VERSION, ...message });
}

/** Encodes an order with the version. */
export function encodeOrder(order: EdgeOrder): string {
  return JSON.stringify({ version: PRESENCE_VERSION, ...order });
}

/**
 * Parses a presence message.
 * @throws BrokerError BAD_EVENT
 */
export function parsePresence(payload: Uint8Array): PresenceMessage | UnknownVersion {
  return parseVersioned(presenceMessage, payload);
}

/**
 * Parses an order.
 * @throws BrokerError BAD_EVENT
 */
export function parseOrder(payload: Uint8Array): EdgeOrder | UnknownVersion {
  return parseVersioned(order, payload);
}

/**
 * Parses a reply to a tally.
 * @throws BrokerError BAD_EVENT
 */
export function parseTallyPart(payload: Uint8Array): TallyPart {
  return wellFormed(() => tallyPart.parse(parseJson(payload)));
}

function parseVersioned<T>(schema: z.ZodType<T>, payload: Uint8Array): T | UnknownVersion {
  return wellFormed(() => {
    const message = parseJson(payload);
    const { version } = versioned.parse(message);
    return version === PRESENCE_VERSION ? schema.parse(message) : { type: "unknown-version", version };
  });
}

function parseJson(payload: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(payload));
}

/**
 * Parses JSON by a schema.
 * @throws BrokerError BAD_EVENT
 */
function wellFormed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new BrokerError(
      "BAD_EVENT",
      "an internal message is malformed: do edge and graph run the same release?",
      { cause },
    );
  }
}
