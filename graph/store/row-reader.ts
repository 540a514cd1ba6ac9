// Reads rows: chunk by chunk, from a given id, or only their size. Nothing is cached, so a read sees the last
// commit. LevelDB commits on its own thread, possibly between two reads in the same turn of the event loop,
// so reads of several keys that must be consistent use a snapshot.

import { GraphError } from "../errors.ts";
import type { Database, Read } from "./database.ts";
import type { GuardedDatabase } from "./guarded-database.ts";
import { lowerBound } from "./ids.ts";
import { chunkKey } from "./keys.ts";
import { countOf, decodeChunk, decodeRow, isInline } from "./row.ts";

/** Returns the number of ids in a row. Takes one read and no scan. */
export function countRow(read: Read, key: string): number {
  const bytes = read(key);
  return bytes === undefined ? 0 : countOf(bytes);
}

/**
 * Yields the ids of a row in ascending order, in sets of at most MAX_CHUNK_IDS; only those above `after` if
 * given.
 */
export function* readRow(read: Read, key: string, after?: number): Generator<Uint32Array, void, void> {
  const bytes = read(key);
  if (bytes === undefined) return;
  const row = decodeRow(bytes);
  if (row.kind === "inline") {
    yield above(row.ids, after);
    return;
  }
  for (const [index, { lower }] of row.chunks.entries()) {
    const next = row.chunks[index + 1];
    if (after !== undefined && next !== undefined && next.lower <= after) continue;
    yield above(readChunk(read, key, lower), after);
  }
}

/**
 * Runs `use`, whose reads are all consistent, even of several rows. A snapshot costs some 13 µs and ends when
 * `use` returns, so `use` must not return a lazy iterable.
 */
export function readAsOfNow<T>(db: Database, use: (read: Read) => T): T {
  const snapshot = db.snapshot();
  try {
    return use((key) => db.getSync(key, { snapshot }));
  } finally {
    void snapshot.close();
  }
}

/**
 * Returns whether a row contains an id. Takes one read if the row does not exist; otherwise decodes at most
 * two chunks.
 */
export function rowHas(db: Database, key: string, id: number): boolean {
  if (db.getSync(key) === undefined) return false;
  return readAsOfNow(db, (read) => {
    for (const ids of readRow(read, key, id - 1)) if (ids.length > 0) return ids[0] === id;
    return false;
  });
}

/**
 * Yields a whole row in a consistent state, however long the caller takes and whatever is committed in the
 * meantime. The chunks of a long row are read from a snapshot, which is held until the last chunk or until
 * the caller stops.
 */
export function* readRowAsOfNow(disk: GuardedDatabase, key: string): Generator<Uint32Array, void, void> {
  const { db } = disk;
  const bytes = db.getSync(key);
  if (bytes === undefined) return;
  if (isInline(bytes)) {
    const row = decodeRow(bytes);
    if (row.kind === "inline") yield row.ids;
    return;
  }
  const release = disk.hold();
  const snapshot = db.snapshot();
  try {
    yield* readRow((wanted) => db.getSync(wanted, { snapshot }), key);
  } finally {
    void snapshot.close();
    release();
  }
}

/** @throws GraphError GRAPH_DAMAGED if the chunk does not exist */
export function readChunk(read: Read, key: string, lower: number): Uint32Array {
  const bytes = read(chunkKey(key, lower));
  if (bytes !== undefined) return decodeChunk(bytes);
  throw new GraphError(
    "GRAPH_DAMAGED",
    `chunk ${chunkKey(key, lower)} is missing: restore a backup or load the graph again`,
  );
}

function above(ids: Uint32Array, after: number | undefined): Uint32Array {
  return after === undefined ? ids : ids.subarray(lowerBound(ids, after + 1));
}
