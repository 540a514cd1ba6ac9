// A child process that does not outlive this one, however this one ends. Other programs, such as nats-server,
// cannot be made to watch their parent, and Node cannot ask the kernel to end them. So a shell starts a guard
// and then replaces itself by the child, which keeps the process id. The guard reads from a pipe whose other
// end only this process holds: a line means that the child has ended, and end-of-file that this process has.
//
//   this process ──pipe──▶ guard (sh, about 1 MB) ──SIGTERM, later SIGKILL──▶ child
//
// A guard that is killed is replaced. The first guard is in the child's process group, so the child's id
// cannot be reused before the guard has ended. A replacement knows only the id.

import { type ChildProcess, spawn } from "node:child_process";
import type { Duplex } from "node:stream";

const SHELL = "/bin/sh";
/** Delay before a killed guard is replaced, so that a shell that cannot run does not occupy a core. */
const REPLACE_MS = 100;
/** A shell's exit codes for a program that is missing or not executable. */
const NOT_STARTED: ReadonlySet<number> = new Set([126, 127]);

/**
 * The guard's script, which waits at descriptor 3. Its parameters: the child's id, and the seconds between
 * SIGTERM and SIGKILL.
 */
const GUARD = `trap '' HUP INT TERM
read -r line <&3 && exit
kill -TERM "$1"
left=$2
while [ "$left" -gt 0 ] && kill -0 "$1"; do sleep 1; left=$((left - 1)); done
kill -KILL "$1"`;

/**
 * Starts a guard that is adopted by init, so that it is not one of our children. Parameters: GUARD and its
 * parameters.
 */
const START_GUARD = `( ${SHELL} -c "$1" encke-guard "$2" "$3" </dev/null >/dev/null 2>&1 & )`;

/**
 * Starts a guard for the shell's own process id, and then replaces the shell by the program. Parameters:
 * GUARD, the seconds, the program and its arguments.
 */
const BECOME_GUARDED = `guard=$1 seconds=$2
shift 2
( ${SHELL} -c "$guard" encke-guard $$ "$seconds" </dev/null >/dev/null 2>&1 & )
exec "$@" 3<&-`;

/**
 * Starts a program in a process group of its own, so that Ctrl-C in the terminal reaches only us, with its
 * standard error as a stream. When this process ends, the child receives SIGTERM, and SIGKILL after `stopMs`.
 */
export function spawnGuarded(
  command: string,
  args: readonly string[],
  { stopMs, env }: { readonly stopMs: number; readonly env: NodeJS.ProcessEnv | undefined },
): ChildProcess {
  const seconds = String(Math.ceil(stopMs / 1000));
  const child = spawn(SHELL, ["-c", BECOME_GUARDED, "encke", GUARD, seconds, command, ...args], {
    stdio: ["ignore", "ignore", "pipe", "pipe"],
    detached: true,
    ...(env !== undefined && { env }),
  });
  keepGuarded(child, child, seconds);
  return child;
}

/** Tells whether a child of `spawnGuarded` ended because its program could not be started. */
export function wasNotStarted(exitCode: number | null): boolean {
  return exitCode !== null && NOT_STARTED.has(exitCode);
}

/**
 * Dismisses the guard at the other end of `holder`'s pipe when the child has ended, and replaces the guard if
 * it ends first.
 */
function keepGuarded(child: ChildProcess, holder: ChildProcess, seconds: string): void {
  const pipe = holder.stdio[3] as Duplex | null | undefined;
  if (!pipe) return; // the shell could not be started, so there is no child
  const dismiss = (): void => void pipe.end("\n");
  child.once("exit", dismiss);
  pipe.on("error", () => {}); // the guard has ended, and the pipe closes
  pipe.resume().once("close", () => {
    child.removeListener("exit", dismiss);
    setTimeout(() => {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const starter = spawn(SHELL, ["-c", START_GUARD, "encke", GUARD, String(child.pid), seconds], {
        stdio: ["ignore", "ignore", "ignore", "pipe"],
        detached: true,
      });
      starter.on("error", () => {}); // its pipe closes as well, which starts another
      keepGuarded(child, starter, seconds);
    }, REPLACE_MS);
  });
}
