// Memory, CPU time and sockets of a process on Linux, read from /proc at every call; nothing is cached.
// Proportional memory (PSS) divides shared pages among their users, so that it can be added up.

import { readFileSync } from "node:fs";
import { linksOf, statFieldsOf } from "../lib/processes.ts";

export interface ProcessMemory {
  readonly pssKb: number;
  /**
   * The part that is not backed by files: heaps and stacks. It does not change as other processes start and
   * end.
   */
  readonly anonKb: number;
  readonly rssKb: number;
}

/** Kernel ticks per second, in which Linux reports CPU time on every architecture that we support. */
const TICKS_PER_SECOND = 100;

/**
 * Returns a process's memory in KB; undefined if it is gone or belongs to another user. Costs 1 ms per 100
 * MB.
 */
export function memoryOf(pid: number): ProcessMemory | undefined {
  const rollup = read(`/proc/${pid}/smaps_rollup`);
  const [pssKb, fileKb, rssKb] = ["Pss", "Pss_File", "Rss"].map((name) => kilobytesIn(rollup, name));
  if (pssKb === undefined || fileKb === undefined || rssKb === undefined) return undefined;
  return { pssKb, anonKb: pssKb - fileKb, rssKb };
}

/** Reads a line such as `Pss: 12 kB` from smaps_rollup or meminfo; undefined if there is none. */
export function kilobytesIn(text: string, name: string): number | undefined {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** Returns the CPU seconds of a process since it began, user and system; undefined if it is gone. */
export function cpuSecondsOf(pid: number): number | undefined {
  return cpuSecondsIn(read(`/proc/${pid}/stat`));
}

/** Reads the CPU seconds from the text of /proc/PID/stat. */
export function cpuSecondsIn(stat: string): number | undefined {
  const fields = statFieldsOf(stat);
  return fields && (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Counts the sockets that a process has open. Costs about 2 µs per socket. */
export function socketsOf(pid: number): number {
  return linksOf(pid).filter((target) => target.startsWith("socket:")).length;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // the process is gone: callers return undefined
  }
}
