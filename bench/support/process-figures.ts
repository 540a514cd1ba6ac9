// The cost of a process: its memory after that has stopped changing, and its CPU. Waits at most MAX_SECONDS.

import { setTimeout as delay } from "node:timers/promises";
import { cpuSecondsOf, memoryOf } from "../../load/index.ts";

const LOOK_MS = 1_000;
/** Readings that differ by less are considered equal. */
const SAME_KB = 256;
/**
 * A worker collects garbage ten seconds after a burst, and returns the pages in the ten seconds after that.
 */
const STILL_SECONDS = 22;
const MAX_SECONDS = 90;

/**
 * Returns the process's own memory in KB after it has stopped changing: PSS without mapped files, whose
 * shares change with other processes.
 * @throws Error if the process has ended
 */
export async function settledMemoryKb(pid: number, stillSeconds: number = STILL_SECONDS): Promise<number> {
  let last = memoryKb(pid);
  for (let look = 0, still = 0; look < MAX_SECONDS && still < stillSeconds; look += 1) {
    await delay(LOOK_MS);
    const now = memoryKb(pid);
    still = Math.abs(now - last) < SAME_KB ? still + 1 : 0;
    last = now;
  }
  return last;
}

/**
 * Returns the CPU seconds, user and system, since the process began.
 * @throws Error if it has ended
 */
export function cpuSeconds(pid: number): number {
  return present(cpuSecondsOf(pid), pid);
}

/** Returns the CPU seconds of several processes, by name. */
export function cpuSecondsByName(pids: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, cpuSeconds(pid)]));
}

/** Measures this process's CPU seconds from now on, user and system, including all its threads. */
export function startCpuMeter(): () => number {
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e6;
  };
}

function memoryKb(pid: number): number {
  return present(memoryOf(pid), pid).anonKb;
}

function present<T>(value: T | undefined, pid: number): T {
  if (value === undefined) throw new Error(`process ${pid} has ended: see its output above`);
  return value;
}
