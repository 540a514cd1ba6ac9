// The number of descriptors that the operating system allows this process.

import { readFileSync } from "node:fs";

/** Assumed where /proc does not exist (macOS): the traditional default of shells. */
const DESCRIPTORS_ELSEWHERE = 1024;

/**
 * Returns how many descriptors this process may have open: the soft limit, which Node raises to the hard one
 * at its start.
 */
export function descriptorLimit(): number {
  let limits: string;
  try {
    limits = readFileSync("/proc/self/limits", "utf8");
  } catch {
    return DESCRIPTORS_ELSEWHERE; // this platform has no /proc, which is not an error
  }
  const soft = /^Max open files\s+(\S+)/m.exec(limits)?.[1];
  return soft === undefined || soft === "unlimited" ? Number.MAX_SAFE_INTEGER : Number(soft);
}
