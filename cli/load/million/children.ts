// A process's children, from /proc: to find workers by who started them.

import { readFileSync } from "node:fs";

/** Children that its main thread started, as all of ours do. Costs some microseconds a child. */
export function childrenOf(pid: number): number[] {
  return read(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean).map(Number);
}

/** Its program and arguments; "" where it is gone. */
export function commandLineOf(pid: number): string {
  return read(`/proc/${pid}/cmdline`).replaceAll("\0", " ");
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // ended meanwhile, or a kernel without it
  }
}
