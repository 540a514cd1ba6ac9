// The keys of the store, spelled only here. They are text, which the LevelDB binding takes fastest, and hexadecimal
// of fixed width, so that their order is the ids' order and a bulk load writes them ascending.

/** Who follows a topic. */
export function followersKey(topic: number): string {
  return `f${hex(topic)}`;
}

/** What a user follows. */
export function subscriptionsKey(user: number): string {
  return `s${hex(user)}`;
}

/** A chunk of a long row. */
export function chunkKey(rowKey: string, lower: number): string {
  return `${rowKey}/${hex(lower)}`;
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
  /** Of which partitions the rows are; absent where the graph is not split. */
  partitions: "mpartitions",
} as const;

function hex(id: number): string {
  return id.toString(16).padStart(8, "0");
}
