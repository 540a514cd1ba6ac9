// What a flood counts, in one process or in all of them together. Plain numbers, added up by name.

export interface FloodCounts {
  readonly active: number;
  /** Streams that ended although we did not end them. */
  readonly closed: number;
  /** Of them: never opened, by status or error. None where they are tried again. */
  readonly failed: number;
  /** Attempts that failed and are made again. */
  readonly retried: number;
  /** Streams that were lost and are open again. */
  readonly reopened: number;
  readonly chunks: number;
  readonly bytes: number;
  /** Messages of the run. */
  readonly messages: number;
  /** Times that a stream said it may have missed something. */
  readonly resyncs: number;
}

/** Before anything was opened. */
export const NO_COUNTS: FloodCounts = {
  active: 0,
  closed: 0,
  failed: 0,
  retried: 0,
  reopened: 0,
  chunks: 0,
  bytes: 0,
  messages: 0,
  resyncs: 0,
};

export function addCounts(all: readonly FloodCounts[]): FloodCounts {
  const sum: Record<keyof FloodCounts, number> = { ...NO_COUNTS };
  for (const counts of all)
    for (const key of Object.keys(sum) as (keyof FloodCounts)[]) sum[key] += counts[key];
  return sum;
}
