// Keys of the history's LevelDB, which is a single log: the key of every record begins with an ordinal, that
// of a block's first row or that of the newest row at that time. Keys therefore only ascend, and LevelDB
// moves its tables down without merging them. Keys are text of fixed width, which is the fastest form for the
// binding.
//
//   r<ordinal>    a block of rows, the first of which has this ordinal
//   r<ordinal>x   the index row of the segment that ends with that row
//   r<ordinal>y   a time after that row at which the service was listening
//   r<ordinal>z   the horizon after that row

const PREFIX = "r";
const ORDINAL_DIGITS = 13;
const KIND_AT = PREFIX.length + ORDINAL_DIGITS;

export const RECORD = { block: "", index: "x", listened: "y", horizon: "z" } as const;
export type RecordKind = (typeof RECORD)[keyof typeof RECORD];

export function recordKey(ordinal: number, kind: RecordKind): string {
  return PREFIX + ordinal.toString(16).padStart(ORDINAL_DIGITS, "0") + kind;
}

export function parseRecordKey(key: string): { readonly ordinal: number; readonly kind: string } {
  return { ordinal: Number.parseInt(key.slice(PREFIX.length, KIND_AT), 16), kind: key.slice(KIND_AT) };
}

/** The key range of all records. */
export const LOG: { readonly gte: string; readonly lt: string } = { gte: PREFIX, lt: "s" };

/**
 * Returns the key range of a segment's records. `lastBefore` and `last` are the last ordinals of the previous
 * segment and of this one. Records written after the segment's index row are excluded, because one of them
 * may be the newest horizon.
 */
export function segmentRange(
  lastBefore: number,
  last: number,
): { readonly gte: string; readonly lte: string } {
  return { gte: recordKey(lastBefore, RECORD.listened), lte: recordKey(last, RECORD.index) };
}

/**
 * Keys of facts about the whole history, written at start and at shutdown. They sort before the log: a table
 * that ended with one of them would overlap every later table, and LevelDB would merge them.
 */
export const META = {
  epoch: "mepoch",
  /** The epoch of the last start and its first sequence number in each partition, as JSON. */
  start: "mstart",
  /** Present if the last shutdown was clean. */
  ended: "mended",
} as const;
