// Reading rows: all of it chunk by chunk, a page of it, its count. Nothing is kept between calls, so a reader sees
// what was last committed. LevelDB commits on a thread of its own, between any two reads even of one turn of the event
// loop: who reads more than one key, and wants them to agree, reads from a snapshot.

import { GraphError } from "../errors.ts";
import type { Database, Read } from "./database.ts";
import type { GuardedDatabase } from "./guarded-database.ts";
import { lowerBound } from "./ids.ts";
import { chunkKey } from "./keys.ts";
import { countOf, decodeChunk, decodeRow, isInline } from "./row.ts";

/** How many ids the row holds: one read, no scan. */
export function countRow(read: Read, key: string): number {
  const bytes = read(key);
  return bytes === undefined ? 0 : countOf(bytes);
}

/** The ids of a row in ascending order, in sets of at most MAX_CHUNK_IDS; of ids above `after` only, if given. */
export function* readRow(read: Read, key: string, after?: number): Generator<Uint32Array, void, void> {
  const bytes = read(key);
  if (bytes === undefined) return;
  const row = decodeRow(bytes);
  if (row.kind === "inline") {
    yield behind(row.ids, after);
    return;
  }
  for (const [index, { lower }] of row.chunks.entries()) {
    const next = row.chunks[index + 1];
    if (after !== undefined && next !== undefined && next.lower <= after) continue;
    yield behind(readChunk(read, key, lower), after);
  }
}

/**
 * All that `use` reads is as of one instant, also over several rows. A snapshot costs some 13 µs; it goes when
 * `use` returns, so what that answers must be read to its end.
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
 * The whole row as of one instant, however long its reading takes and whatever is committed meanwhile: the chunks of a
 * long row are read from a snapshot, which is kept until the last of them or until the reader stops.
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

/** @throws GraphError GRAPH_DAMAGED where the chunk is not there */
export function readChunk(read: Read, key: string, lower: number): Uint32Array {
  const bytes = read(chunkKey(key, lower));
  if (bytes !== undefined) return decodeChunk(bytes);
  throw new GraphError(
    "GRAPH_DAMAGED",
    `chunk ${chunkKey(key, lower)} is missing: restore a backup or load the graph anew`,
  );
}

function behind(ids: Uint32Array, after: number | undefined): Uint32Array {
  return after === undefined ? ids : ids.subarray(lowerBound(ids, after + 1));
}
