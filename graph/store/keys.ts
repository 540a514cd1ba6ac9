// The keys of the store, spelled only here. They are text, which the LevelDB binding takes fastest, and hexadecimal
// of fixed width, so that their order is the ids' order and a bulk load writes them ascending.

/** Parts a long row's key from its chunk's. */
const CHUNK_MARK = "/";

/** Who follows a topic. */
export function followersKey(topic: number): string {
  return `f${hex(topic)}`;
}

/** What a user follows. */
export function subscriptionsKey(user: number): string {
  return `s${hex(user)}`;
}

/** All rows of followers, their chunks among them. */
export const FOLLOWERS_RANGE = { gte: "f", lt: "g" } as const;
/** All rows of subscriptions, likewise. */
export const SUBSCRIPTIONS_RANGE = { gte: "s", lt: "t" } as const;

/** Whether a key of these ranges is a row, and not a chunk of one. */
export function isRowKey(key: string): boolean {
  return !key.includes(CHUNK_MARK);
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

/** Facts about the whole graph. */
export const META = {
  format: "mformat",
  /** Present while a bulk load writes. */
  loading: "mloading",
  epoch: "mepoch",
  nextId: "mnext-id",
  edges: "medges",
} as const;

function hex(id: number): string {
  return id.toString(16).padStart(8, "0");
}
