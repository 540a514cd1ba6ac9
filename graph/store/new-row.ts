// Encodes a row that did not exist before: there is nothing to read or merge. Produces the same bytes as the
// editor (row-editor.ts) at a tenth of the cost. The bulk loader fills empty graphs with it.

import { chunkKey } from "./keys.ts";
import { encodeChunk, encodeIndex, encodeInline, MAX_CHUNK_IDS } from "./row.ts";

/** The number of ids in a new chunk, which leaves space for some more before it splits. */
const NEW_CHUNK_IDS = MAX_CHUNK_IDS * 0.75;

/**
 * Passes the keys and values of a new row to `put`, ascending by key.
 * @param ids sorted, unique, at least one
 */
export function writeNewRow(
  key: string,
  ids: Uint32Array,
  put: (key: string, value: Uint8Array) => void,
): void {
  if (ids.length <= MAX_CHUNK_IDS) return put(key, encodeInline(ids));
  const chunks = Array.from({ length: Math.ceil(ids.length / NEW_CHUNK_IDS) }, (_, index) =>
    ids.subarray(index * NEW_CHUNK_IDS, (index + 1) * NEW_CHUNK_IDS),
  );
  // the first chunk also covers all ids below the second chunk
  const places = chunks.map((chunk, index) => ({
    lower: index === 0 ? 0 : (chunk[0] as number),
    count: chunk.length,
  }));
  put(key, encodeIndex(places));
  for (const [index, chunk] of chunks.entries()) {
    put(chunkKey(key, places[index]?.lower ?? 0), encodeChunk(chunk));
  }
}
