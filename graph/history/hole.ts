// Holes: what readers are told where events may be missing, with times by the graph's clock.

import type { Hole, ResyncReason } from "../../broker/contract.ts";

/**
 * Creates a hole.
 * @param sinceMs no event that may be missing is older, in milliseconds since 1970; undefined if unknown
 * @param oldestMs the time of the oldest stored event; undefined if none is stored
 */
export function makeHole(
  reason: ResyncReason,
  sinceMs: number | undefined,
  oldestMs: number | undefined,
): Hole {
  return {
    reason,
    ...(sinceMs !== undefined && { since: new Date(sinceMs).toISOString() }),
    ...(oldestMs !== undefined && { oldest: new Date(oldestMs).toISOString() }),
  };
}
