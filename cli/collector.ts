// Gives memory back after a busy time. V8 collects when a program allocates; one that has stopped allocating keeps the
// garbage of its busiest minute for as long as it is idle. So: once after each busy stretch, when the process has
// become quiet, one full collection. Owned by a process's main program; it never runs under load.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** How often it is looked whether the process is quiet. */
const LOOK_MS = 5_000;
/** Part of one core below which a process is quiet: a pause of some milliseconds then meets nobody. */
const QUIET_SHARE = 0.05;

export interface CollectorOptions {
  readonly lookMs?: number;
  /** Told of every collection. */
  readonly onCollect?: () => void;
}

/** Collects once after each busy stretch, until the answer is called. Keeps no process alive. */
export function collectWhenQuiet({ lookMs = LOOK_MS, onCollect }: CollectorOptions = {}): () => void {
  const collect = collector();
  let isDue = true; // the start of a program is a busy stretch
  let last = process.cpuUsage();
  const timer = setInterval(() => {
    const { user, system } = process.cpuUsage(last);
    last = process.cpuUsage();
    if (user + system > lookMs * 1_000 * QUIET_SHARE) {
      isDue = true;
    } else if (isDue) {
      isDue = false;
      collect();
      last = process.cpuUsage(); // its own work is not a busy stretch
      onCollect?.();
    }
  }, lookMs).unref();
  return () => clearInterval(timer);
}

/** V8's full collection, without a flag on the command line. */
function collector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}
