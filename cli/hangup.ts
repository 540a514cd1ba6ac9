// Whether SIGHUP is to end this process. It means that the terminal has gone, unless the program that started us ignored it, as
// nohup does. A program cannot ask Node for that: Node sets every ignored signal back to its default before the first line
// runs (ResetSignalHandlers in src/node.cc), so /proc/self/status does not show it either. What is left to see is what
// goes with it: nohup takes the terminal away from standard input, output and error, and a shell in which SIGHUP is
// ignored (`trap '' HUP`, or a script under nohup) passes that on and shows it itself.

import { readFileSync } from "node:fs";
import { isatty } from "node:tty";

const STANDARD = [0, 1, 2];
/** Bit 0 is signal 1. */
const HANGUP = 1n;

/** True where a terminal is there to hang up, and nothing shows that its end was to be ignored. Asked once, at the start. */
export function endsAtHangup(): boolean {
  return STANDARD.some((fd) => isatty(fd)) && !ignoresHangup(process.ppid);
}

/** Whether a process ignores SIGHUP; false where that cannot be seen. */
function ignoresHangup(pid: number): boolean {
  try {
    const ignored = /^SigIgn:\s+([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "0";
    return (BigInt(`0x${ignored}`) & HANGUP) !== 0n;
  } catch {
    return false; // gone, or no /proc here
  }
}
