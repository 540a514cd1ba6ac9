// Standard output and standard error of this process, for everything that must not end or block a service:
// its log, and the lines that say where it listens. There is one of each per process.

import { LineSink } from "./line-sink.ts";

export const standardOutput: LineSink = new LineSink(1);
export const standardError: LineSink = new LineSink(2);

/** Returns the lines that were dropped on either. */
export function droppedLines(): number {
  return standardOutput.dropped + standardError.dropped;
}
