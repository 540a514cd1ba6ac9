// What Linux tells about a process's memory, CPU and sockets. Read from /proc at every call; nothing is kept. Proportional
// memory (PSS) shares shared pages out, so that it may be added up.

import { readFileSync } from "node:fs";
import { linksOf, statFieldsOf } from "../lib/processes.ts";

export interface ProcessMemory {
  readonly pssKb: number;
  /** The part of it that is no file: heaps and stacks. Other processes' coming and going does not move it. */
  readonly anonKb: number;
  readonly rssKb: number;
}

/** Kernel ticks a second, as Linux reports CPU time on every architecture that we run on. */
const TICKS_PER_SECOND = 100;

/** Memory of a process, in KB; undefined where it is gone, or not ours to look at. Costs 1 ms for each 100 MB. */
export function memoryOf(pid: number): ProcessMemory | undefined {
  const rollup = read(`/proc/${pid}/smaps_rollup`);
  const [pssKb, fileKb, rssKb] = ["Pss", "Pss_File", "Rss"].map((name) => kilobytesIn(rollup, name));
  if (pssKb === undefined || fileKb === undefined || rssKb === undefined) return undefined;
  return { pssKb, anonKb: pssKb - fileKb, rssKb };
}

/** A line such as `Pss: 12 kB`, out of smaps_rollup or meminfo; undefined where there is none. */
export function kilobytesIn(text: string, name: string): number | undefined {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** CPU seconds since the process began, user and system; undefined where it is gone. */
export function cpuSecondsOf(pid: number): number | undefined {
  return cpuSecondsIn(read(`/proc/${pid}/stat`));
}

/** The same, out of /proc/PID/stat. */
export function cpuSecondsIn(stat: string): number | undefined {
  const fields = statFieldsOf(stat);
  return fields && (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Sockets that a process holds open. Costs about 2 µs each. */
export function socketsOf(pid: number): number {
  return linksOf(pid).filter((target) => target.startsWith("socket:")).length;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // gone: callers return undefined
  }
}
