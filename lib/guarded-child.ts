// A child process that does not outlive this one, however this one ends. Programs of others (nats-server) cannot be told
// to watch their parent, and Node cannot ask the kernel to end them with it; so a shell starts a guard beside the
// child and then becomes the child, which keeps its process id. The guard reads from a pipe whose other end only this
// process holds: a line means that the child has ended, the end of the file that this process has gone.
//
//   this process ──pipe──▶ guard (sh, some 1 MB) ──SIGTERM, later SIGKILL──▶ child
//
// A guard that is killed is replaced. It lives in the child's process group, so the child's id is not given away before
// the guard has ended; a replacement has only the id.

import { type ChildProcess, spawn } from "node:child_process";
import type { Duplex } from "node:stream";

const SHELL = "/bin/sh";
/** A guard that was killed is replaced after so long: a shell that cannot run must not keep a core busy. */
const REPLACE_MS = 100;
/** What a shell exits with where the program is not there, or is none. */
const NOT_STARTED: ReadonlySet<number> = new Set([126, 127]);

/** Waits at descriptor 3. Its parameters: the process id, and how many seconds it gets to end by itself. */
const GUARD = `trap '' HUP INT TERM
read -r line <&3 && exit
kill -TERM "$1"
left=$2
while [ "$left" -gt 0 ] && kill -0 "$1"; do sleep 1; left=$((left - 1)); done
kill -KILL "$1"`;

/** Starts a guard that init adopts, so that it is not among our children. Parameters: GUARD and those of it. */
const START_GUARD = `( ${SHELL} -c "$1" encke-guard "$2" "$3" </dev/null >/dev/null 2>&1 & )`;

/** The same for its own process id, and becomes the program. Parameters: GUARD, the seconds, program and arguments. */
const BECOME_GUARDED = `guard=$1 seconds=$2
shift 2
( ${SHELL} -c "$guard" encke-guard $$ "$seconds" </dev/null >/dev/null 2>&1 & )
exec "$@" 3<&-`;

/**
 * Starts a program in a process group of its own (Ctrl-C in the terminal reaches us alone), with its standard error as a
 * stream. When this process ends, the child gets SIGTERM, and SIGKILL `stopMs` later.
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

/** Whether a child of `spawnGuarded` ended because its program could not be started. */
export function wasNotStarted(exitCode: number | null): boolean {
  return exitCode !== null && NOT_STARTED.has(exitCode);
}

/** Tells the guard at the other end of `holder`'s pipe when the child has ended, and replaces it where it ends first. */
function keepGuarded(child: ChildProcess, holder: ChildProcess, seconds: string): void {
  const pipe = holder.stdio[3] as Duplex | null | undefined;
  if (!pipe) return; // the shell could not be started, and then nothing was
  const dismiss = (): void => void pipe.end("\n");
  child.once("exit", dismiss);
  pipe.on("error", () => {}); // the guard has gone: so does its pipe
  pipe.resume().once("close", () => {
    child.removeListener("exit", dismiss);
    setTimeout(() => {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const starter = spawn(SHELL, ["-c", START_GUARD, "encke", GUARD, String(child.pid), seconds], {
        stdio: ["ignore", "ignore", "ignore", "pipe"],
        detached: true,
      });
      starter.on("error", () => {}); // its pipe closes too: tried again
      keepGuarded(child, starter, seconds);
    }, REPLACE_MS);
  });
}
