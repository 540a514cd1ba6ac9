// The counts of a flood, of one process or of all together. They are plain numbers, added up by name.

export interface FloodCounts {
  readonly active: number;
  /** Streams that ended although the client did not end them. */
  readonly closed: number;
  /** Of those, streams that never opened because of a status or an error. 0 if they are retried. */
  readonly failed: number;
  /** Failed attempts that are retried. */
  readonly retried: number;
  /** Lost streams that are open again. */
  readonly reopened: number;
  readonly chunks: number;
  readonly bytes: number;
  /** Messages of the run. */
  readonly messages: number;
  /** Number of resyncs received. */
  readonly resyncs: number;
}

/** The counts before anything was opened. */
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
