// This process's standard output and standard error, for everything that must not end or hold up a service: its log, and
// the lines that say where it is. One of each per process.

import { LineSink } from "./line-sink.ts";

export const standardOutput: LineSink = new LineSink(1);
export const standardError: LineSink = new LineSink(2);

/** Lines of either that could not be written. */
export function droppedLines(): number {
  return standardOutput.dropped + standardError.dropped;
}
