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
  if (history.lastListeningMs === undefined) return 0;
  for (const partition of partitions)
    history.appendHole(partition, "graph-restarted", sinceOfRestart(history));
  return partitions.length;
}

/**
 * Returns since when events may be missing, in milliseconds since 1970; undefined if that is not known,
 * because the clock was set back after the earlier run had noted it.
 */
export function sinceOfRestart({ lastListeningMs = 0 }: History): number | undefined {
  return lastListeningMs > Date.now() ? undefined : lastListeningMs;
}
