// Several holes of one replay as one, of which the reader is told once.

import type { Hole } from "../../broker/contract.ts";

/** Returns a hole that covers both. It has no `since` if one of them has none. */
export function mergeHoles(one: Hole | undefined, other: Hole): Hole {
  if (one === undefined) return other;
  const isKnown = one.since !== undefined && other.since !== undefined;
  return {
    reason: one.reason,
    since: isKnown ? earlier(one.since, other.since) : undefined,
    oldest:
      one.oldest === undefined || other.oldest === undefined ? undefined : later(one.oldest, other.oldest),
  };
}

/** Times are ISO 8601 in UTC with milliseconds, so their order is that of their texts. */
function earlier(one: string, other: string): string {
  return one < other ? one : other;
}

function later(one: string, other: string): string {
  return one < other ? other : one;
}
