// What the operating system lets this process have.

import { readFileSync } from "node:fs";

/** Assumed where /proc is not there to ask (macOS): the classic default of a shell. */
const DESCRIPTORS_ELSEWHERE = 1024;

/** Open descriptors this process may hold (the soft limit; Node raises it to the hard one at start). */
export function descriptorLimit(): number {
  let limits: string;
  try {
    limits = readFileSync("/proc/self/limits", "utf8");
  } catch {
    return DESCRIPTORS_ELSEWHERE; // no /proc here: not an error, the platform has none
  }
  const soft = /^Max open files\s+(\S+)/m.exec(limits)?.[1];
  return soft === undefined || soft === "unlimited" ? Number.MAX_SAFE_INTEGER : Number(soft);
}
