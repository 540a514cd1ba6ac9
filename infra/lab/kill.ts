// Kills all processes in a cgroup or a network namespace.

import { setTimeout as delay } from "node:timers/promises";

const LOOK_MS = 20;
const PATIENCE_MS = 10_000;

/**
 * Kills the processes that `list` returns until it returns none and `remove` succeeds.
 * @param place named in the error
 * @param remove returns false while the kernel has not finished with an ended process
 * @throws Error if a process survives for ten seconds
 */
export async function killAll(
  place: string,
  list: () => number[] | Promise<number[]>,
  remove: () => boolean = () => true,
): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const pids = await list();
    if (pids.length === 0 && remove()) return;
    if (performance.now() > deadline) throw new Error(`${place} does not become empty: ${pids.join(" ")}`);
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // it ended after it was listed
      }
    }
    await delay(LOOK_MS);
  }
}
