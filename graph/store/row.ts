// The binary format of a row. A row is a set of ids: the followers of one topic, or the topics that one user
// follows. Short rows hold their ids inline. Long rows, such as a celebrity's, hold an index of chunks under
// keys of their own, so that one change rewrites some kilobytes instead of a megabyte. Both begin with the
// count, so counting needs no scan.
//
//   inline   1, count, differences…
//   chunked  2, count, number of chunks, { lower bound (difference), count }…
//   chunk    3, count, differences…

import { GraphError } from "../errors.ts";
import { VARINT_BYTES, VarintReader, writeIds, writeVarint } from "./varint.ts";

const [INLINE, CHUNKED, CHUNK] = [1, 2, 3] as const;

/**
 * The maximum length of an inline row and of a chunk. Rewriting one takes less than a tenth of a millisecond.
 */
export const MAX_CHUNK_IDS = 8_192;

/** One entry of the index: a chunk that holds the ids from `lower` up to the next chunk's. */
export interface ChunkPlace {
  readonly lower: number;
  readonly count: number;
}

export type Row =
  | { readonly kind: "inline"; readonly count: number; readonly ids: Uint32Array }
  | { readonly kind: "chunked"; readonly count: number; readonly chunks: readonly ChunkPlace[] };

export function encodeInline(ids: Uint32Array): Uint8Array {
  return encodeSet(INLINE, ids);
}

export function encodeChunk(ids: Uint32Array): Uint8Array {
  return encodeSet(CHUNK, ids);
}

export function encodeIndex(chunks: readonly ChunkPlace[]): Uint8Array {
  const bytes = new Uint8Array(1 + VARINT_BYTES * (2 + 2 * chunks.length));
  bytes[0] = CHUNKED;
  let at = writeVarint(
    bytes,
    1,
    chunks.reduce((sum, chunk) => sum + chunk.count, 0),
  );
  at = writeVarint(bytes, at, chunks.length);
  let previous = 0;
  for (const { lower, count } of chunks) {
    at = writeVarint(bytes, at, lower - previous);
    at = writeVarint(bytes, at, count);
    previous = lower;
  }
  return bytes.slice(0, at);
}

/** @throws GraphError GRAPH_DAMAGED */
export function decodeRow(bytes: Uint8Array): Row {
  const reader = new VarintReader(bytes, 1);
  const count = reader.next();
  if (bytes[0] === INLINE) return { kind: "inline", count, ids: reader.ids(count) };
  if (bytes[0] !== CHUNKED) throw unknownKind(bytes);
  const chunks: ChunkPlace[] = [];
  let lower = 0;
  for (let left = reader.next(); left > 0; left -= 1) {
    lower += reader.next();
    chunks.push({ lower, count: reader.next() });
  }
  return { kind: "chunked", count, chunks };
}

/**
 * Returns the number of ids in a row without reading them.
 * @throws GraphError GRAPH_DAMAGED
 */
export function countOf(bytes: Uint8Array): number {
  return new VarintReader(bytes, 1).next();
}

/** Returns whether the ids follow the first byte: count, differences… */
export function isInline(bytes: Uint8Array): boolean {
  return bytes[0] === INLINE;
}

/** @throws GraphError GRAPH_DAMAGED */
export function decodeChunk(bytes: Uint8Array): Uint32Array {
  if (bytes[0] !== CHUNK) throw unknownKind(bytes);
  const reader = new VarintReader(bytes, 1);
  return reader.ids(reader.next());
}

/** A buffer for the longest set. A row is copied out of it, so that it takes no more memory than it needs. */
const scratch = new Uint8Array(1 + VARINT_BYTES * (MAX_CHUNK_IDS + 1));

/** @param ids at most MAX_CHUNK_IDS */
function encodeSet(kind: number, ids: Uint32Array): Uint8Array {
  scratch[0] = kind;
  return scratch.slice(0, writeIds(scratch, writeVarint(scratch, 1, ids.length), ids));
}

function unknownKind(bytes: Uint8Array): GraphError {
  return new GraphError(
    "GRAPH_DAMAGED",
    `a row begins with byte ${bytes[0]}: it is damaged; restore a backup or load the graph again`,
  );
}
