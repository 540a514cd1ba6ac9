// A row where there was none: nothing to read, nothing to merge. What the editor (row-editor.ts) would make of it,
// at a tenth of the cost; the bulk loader fills empty graphs with it.

import { chunkKey } from "./keys.ts";
import { encodeChunk, encodeIndex, encodeInline, MAX_CHUNK_IDS } from "./row.ts";

/** Ids of a new chunk: room for some more before it splits. */
const NEW_CHUNK_IDS = MAX_CHUNK_IDS * 0.75;

/** Hands over the keys and bytes of a new row, ascending by key. @param ids sorted, unique, at least one */
export function writeNewRow(
  key: string,
  ids: Uint32Array,
  put: (key: string, value: Uint8Array) => void,
): void {
  if (ids.length <= MAX_CHUNK_IDS) return put(key, encodeInline(ids));
  const chunks = Array.from({ length: Math.ceil(ids.length / NEW_CHUNK_IDS) }, (_, index) =>
    ids.subarray(index * NEW_CHUNK_IDS, (index + 1) * NEW_CHUNK_IDS),
  );
  // the first chunk takes whatever lies below the second
  const places = chunks.map((chunk, index) => ({
    lower: index === 0 ? 0 : (chunk[0] as number),
    count: chunk.length,
  }));
  put(key, encodeIndex(places));
  for (const [index, chunk] of chunks.entries()) {
    put(chunkKey(key, places[index]?.lower ?? 0), encodeChunk(chunk));
  }
}
