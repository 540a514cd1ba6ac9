// The keys of the store, spelled only here. They are text, which the LevelDB binding takes fastest, and hexadecimal
// of fixed width, so that their order is the ids' order and a bulk load writes them ascending.

/** Parts a long row's key from its chunk's. */
const CHUNK_MARK = "/";
const ROW_KEY_CHARS = 9;

/** Who follows a topic and is sent its events. */
export function followersKey(topic: number): string {
  return `f${hex(topic)}`;
}

/** Who follows a topic and is sent nothing: a row of its own, so that fan-out never reads it. Usually absent. */
export function mutedKey(topic: number): string {
  return `q${hex(topic)}`;
}

/** Who cannot follow a topic. Usually absent. */
export function blockedKey(topic: number): string {
  return `b${hex(topic)}`;
}

/** What a user follows. */
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

/** The keys of each kind, rows with their chunks, as LevelDB takes a range. */
export const AUDIT = { gte: "a", lt: "b" } as const;
export const BLOCKED = { gte: "b", lt: "c" } as const;
export const FOLLOWERS = { gte: "f", lt: "g" } as const;
export const MUTED = { gte: "q", lt: "r" } as const;
export const NAMES = { gte: "n", lt: "o" } as const;
export const SUBSCRIPTIONS = { gte: "s", lt: "t" } as const;

/** The id in the key of a row; undefined for the key of one of its chunks. */
export function idOfRow(key: string): number | undefined {
  return key.length === ROW_KEY_CHARS ? Number.parseInt(key.slice(1), 16) : undefined;
}

/** The topic of a row of followers; undefined for every other key. */
export function topicOfFollowersKey(key: string): number | undefined {
  return key.startsWith(FOLLOWERS.gte) ? idOfRow(key) : undefined;
}

/** Facts about the whole graph. */
export const META = {
  format: "mformat",
  /** Present while a bulk load writes. */
  loading: "mloading",
  epoch: "mepoch",
  nextId: "mnext-id",
  follows: "medges",
  /** Of which partitions the rows are; absent where the graph is not split. */
  partitions: "mpartitions",
} as const;

function hex(id: number): string {
  return id.toString(16).padStart(8, "0");
}
