// Tells readers of the time in which no graph service listened: a start on a history that an earlier run has
// written appends one hole to each partition. Every reader, live or returning, passes it exactly once, after
// everything that the earlier run stored. Stateless.

import type { History } from "./history.ts";

/**
 * Appends the holes of this start. Does nothing if no earlier run has used the history. Must be called before
 * anything is received. Nothing may be sent before the service listens again: a page that reloads when it
 * learns of the hole must find everything that was published until then. Returns the number of holes.
 */
export function noteRestart(history: History, partitions: readonly number[]): number {
  const { lastListeningMs } = history;
  if (lastListeningMs === undefined) return 0;
  // the clock was set back after that moment was noted: when it was by the present clock is not known
  const sinceMs = lastListeningMs > Date.now() ? undefined : lastListeningMs;
  for (const partition of partitions) history.appendHole(partition, "graph-restarted", sinceMs);
  return partitions.length;
}
