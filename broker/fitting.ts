// Counts how much of a list fits into one message. It passes once over the part that fits.

export interface Capacity {
  readonly bytes: number;
  /** Unlimited if absent. */
  readonly items?: number;
}

/**
 * Counts the items, from index `from` on, that fit into one message together. The count is at least one if
 * there is an item.
 */
export function countFitting<T>(
  items: readonly T[],
  bytesOf: (item: T) => number,
  { bytes: maxBytes, items: maxItems = Number.POSITIVE_INFINITY }: Capacity,
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
