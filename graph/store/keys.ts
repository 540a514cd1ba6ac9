// The only definition of the store's keys. They are text, which the LevelDB binding handles fastest, with
// hexadecimal ids of fixed width: they sort by id, and a bulk load writes them in ascending order.

/** Separates a long row's key from its chunk's. */
const CHUNK_MARK = "/";
const ROW_KEY_CHARS = 9;

/** The row of followers who receive a topic's events. */
export function followersKey(topic: number): string {
  return `f${hex(topic)}`;
}

/**
 * The row of followers who receive no events. It is separate so that the fan-out never reads it, and usually
 * absent.
 */
export function mutedKey(topic: number): string {
  return `q${hex(topic)}`;
}

/** The row of users who cannot follow a topic. Usually absent. */
export function blockedKey(topic: number): string {
  return `b${hex(topic)}`;
}

/** The row of topics that a user follows. */
export function subscriptionsKey(user: number): string {
  return `s${hex(user)}`;
}

/** A chunk of a long row. */
export function chunkKey(rowKey: string, lower: number): string {
  return `${rowKey}${CHUNK_MARK}${hex(lower)}`;
}

/** The id of an interned name. */
export function idKey(name: string): string {
  return `n${name}`;
}

/** The name of an interned id. */
export function nameKey(id: number): string {
  return `i${hex(id)}`;
}

/** A record of the audit, by the sequence number of its first change. */
export function auditKey(sequence: number): string {
  return `${AUDIT.gte}${sequence.toString(16).padStart(12, "0")}`;
}

/** The place of the directory in the change log of a partition. */
export function logPlaceKey(partition: number): string {
  return `${LOG_PLACES.gte}${hex(partition)}`;
}

/** The ranges of keys of each kind, including the chunks of rows, in LevelDB's form. */
export const AUDIT = { gte: "a", lt: "b" } as const;
export const BLOCKED = { gte: "b", lt: "c" } as const;
export const FOLLOWERS = { gte: "f", lt: "g" } as const;
export const LOG_PLACES = { gte: "l", lt: "m" } as const;
export const MUTED = { gte: "q", lt: "r" } as const;
export const NAMES = { gte: "n", lt: "o" } as const;
export const SUBSCRIPTIONS = { gte: "s", lt: "t" } as const;

/** Returns the id in the key of a row, or undefined for the key of a chunk. */
export function idOfRow(key: string): number | undefined {
  return key.length === ROW_KEY_CHARS ? Number.parseInt(key.slice(1), 16) : undefined;
}

/** Returns the topic of a row of followers, or undefined for any other key. */
export function topicOfFollowersKey(key: string): number | undefined {
  return key.startsWith(FOLLOWERS.gte) ? idOfRow(key) : undefined;
}

/** Facts about the whole graph. */
export const META = {
  format: "mformat",
  /** Present while a bulk load writes. */
  loading: "mloading",
  /** The owner's number of the last start. */
  epoch: "mepoch",
  /** The epoch of the history that belongs to this graph. */
  historyEpoch: "mhistory-epoch",
  /** The stream of each partition's events and the epoch of its sequence numbers, as JSON. */
  eventStreams: "mevent-streams",
  nextId: "mnext-id",
  follows: "medges",
  /** Present if rows were changed that a change log leads to, but not through that log. */
  offLog: "moff-log",
  /** The partitions whose rows it holds; absent for a graph that is not split. */
  partitions: "mpartitions",
} as const;

function hex(id: number): string {
  return id.toString(16).padStart(8, "0");
}
