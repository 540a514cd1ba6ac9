// How much of a list fits into one message. One pass over the part that fits.

export interface Room {
  readonly bytes: number;
  /** Any number where absent. */
  readonly items?: number;
}

/** How many of the items from `from` on fit into a message together: at least one, where there is one. */
export function countFitting<T>(
  items: readonly T[],
  bytesOf: (item: T) => number,
  { bytes: maxBytes, items: maxItems = Number.POSITIVE_INFINITY }: Room,
  from = 0,
): number {
  const end = Math.min(items.length, from + maxItems);
  let bytes = 0;
  for (let at = from; at < end; at += 1) {
    bytes += bytesOf(items[at] as T);
    if (bytes > maxBytes && at > from) return at - from;
  }
  return end - from;
}
