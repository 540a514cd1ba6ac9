// Decides whether SIGHUP ends this process. The signal means that the terminal has gone, unless our parent
// ignores it, as nohup does. Node hides this: it resets every ignored signal to its default before the first
// line of a program runs (ResetSignalHandlers in src/node.cc), so /proc/self/status does not show it either.
// Only side effects remain visible: nohup redirects standard input, output and error away from the terminal,
// and a shell that ignores SIGHUP (`trap '' HUP`, or a script under nohup) shows so in its own status.

import { readFileSync } from "node:fs";
import { isatty } from "node:tty";

const STANDARD = [0, 1, 2];
/** The mask of SIGHUP: bit 0 is signal 1. */
const HANGUP = 1n;

/**
 * Returns true if there is a terminal that can hang up, and no sign that hangups are to be ignored. Called
 * once, at the start.
 */
export function endsAtHangup(): boolean {
  return STANDARD.some((fd) => isatty(fd)) && !ignoresHangup(process.ppid);
}

/** Tells whether a process ignores SIGHUP; false if that cannot be read. */
function ignoresHangup(pid: number): boolean {
  try {
    const ignored = /^SigIgn:\s+([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "0";
    return (BigInt(`0x${ignored}`) & HANGUP) !== 0n;
  } catch {
    return false; // the process is gone, or there is no /proc
  }
}
