// Frees memory after a busy period. V8 collects garbage when a program allocates. A program that stops
// allocating retains the garbage of its busiest minute for as long as it is idle. So one full collection runs
// after each busy period, once the process is idle. Owned by a process's main program; it never runs under
// load.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Interval at which the process is checked for being idle. */
const LOOK_MS = 5_000;
/**
 * CPU use, as a share of one core, below which a process is idle; a pause of a few milliseconds then disturbs
 * no reader.
 */
const QUIET_SHARE = 0.05;

export interface CollectorOptions {
  readonly lookMs?: number;
  /** Called after every collection. */
  readonly onCollect?: () => void;
}

/**
 * Collects once after each busy period, until the returned function is called. Does not keep the process
 * alive.
 */
export function collectWhenQuiet({ lookMs = LOOK_MS, onCollect }: CollectorOptions = {}): () => void {
  const collect = collector();
  let isDue = true; // the start of a program is a busy period
  let last = process.cpuUsage();
  const timer = setInterval(() => {
    const { user, system } = process.cpuUsage(last);
    last = process.cpuUsage();
    if (user + system > lookMs * 1_000 * QUIET_SHARE) {
      isDue = true;
    } else if (isDue) {
      isDue = false;
      collect();
      last = process.cpuUsage(); // the collection itself does not count as busy
      onCollect?.();
    }
  }, lookMs).unref();
  return () => clearInterval(timer);
}

/** Returns V8's full collection, which needs no flag on the command line this way. */
function collector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}
