// What a process costs: its memory once that has stopped moving, and its CPU. Waits no longer than MAX_SECONDS.

import { setTimeout as delay } from "node:timers/promises";
import { cpuSecondsOf, memoryOf } from "../../load/index.ts";

const LOOK_MS = 1_000;
/** Two looks that differ by less are the same. */
const SAME_KB = 256;
/** A worker collects garbage ten seconds after a burst and gives the pages back in the ten seconds after that. */
const STILL_SECONDS = 22;
const MAX_SECONDS = 90;

/** The process's own memory in KB (PSS without files, whose shares move with other processes), once it has stood still. @throws Error where the process is gone */
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

/** CPU seconds since the process began, user and system. @throws Error where it is gone */
export function cpuSeconds(pid: number): number {
  return present(cpuSecondsOf(pid), pid);
}

/** The same of several processes, by their names. */
export function cpuSecondsByName(pids: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, cpuSeconds(pid)]));
}

/** CPU seconds of this process from now on, user and system, all its threads among them. */
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
  if (value === undefined) throw new Error(`process ${pid} is gone: see its output above`);
  return value;
}
