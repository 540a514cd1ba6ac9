// What a process costs, from /proc: proportional memory (shared pages shared out, so that figures of several workers
// may be added up) and CPU seconds, user and system together.

import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** Kernel ticks a second, as Linux reports CPU time on every architecture that we run on. */
const TICKS_PER_SECOND = 100;
const LOOK_MS = 1_000;
/** Two looks that differ by less are the same. */
const SAME_KB = 256;
/** V8 gives memory back some ten seconds after a burst; what stands still for so long has been given back. */
const STILL_LOOKS = 15;
const MOST_LOOKS = 90;

/** Proportional set size in KB. */
function pssKb(pid: number): number {
  return Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1]);
}

/** The same, once it has stopped moving. */
export async function settledPssKb(pid: number): Promise<number> {
  let last = pssKb(pid);
  for (let look = 0, still = 0; look < MOST_LOOKS && still < STILL_LOOKS; look += 1) {
    await delay(LOOK_MS);
    const now = pssKb(pid);
    still = Math.abs(now - last) < SAME_KB ? still + 1 : 0;
    last = now;
  }
  return last;
}

/** CPU seconds since the process began. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
