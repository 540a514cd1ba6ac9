// Runs other programs (tar, openssl, ip, ansible-playbook), each with a time limit. A program and its
// children have ended when the promise settles. Output is kept up to a limit.

import { spawn } from "node:child_process";
import { InfraError } from "./errors.ts";

const DEFAULT_MS = 120_000;
const KEPT_BYTES = 4 * 1_048_576;
/** How much output an error shows. */
const SHOWN_CHARS = 1_500;
/** Time between SIGTERM and SIGKILL. */
const KILL_AFTER_MS = 5_000;

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Exit codes other than 0 that are not failures. */
  readonly accept?: readonly number[];
}

export interface RunResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. @throws InfraError TOOL_FAILED with its output, also on a timeout or abort */
export async function run(
  file: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const { cwd, env, timeoutMs = DEFAULT_MS, signal, accept = [] } = options;
  const shown = [file, ...args].join(" ").slice(0, 300);
  if (signal?.aborted)
    throw new InfraError("TOOL_FAILED", `${shown}: not started because of an interruption`);
  // a process group of its own, so that a signal also reaches its children
  const child = spawn(file, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const output = { stdout: "", stderr: "" };
  const take = (stream: "stdout" | "stderr") => (text: string) => {
    if (output[stream].length < KEPT_BYTES) output[stream] += text;
  };
  child.stdout.setEncoding("utf8").on("data", take("stdout"));
  child.stderr.setEncoding("utf8").on("data", take("stderr"));
  let why = "";
  const end = (reason: string): void => {
    why = reason;
    killGroup(child.pid, "SIGTERM");
    setTimeout(() => killGroup(child.pid, "SIGKILL"), KILL_AFTER_MS).unref();
  };
  const timer = setTimeout(() => end(`took longer than ${timeoutMs} ms`), timeoutMs);
  const onAbort = (): void => end("was interrupted");
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    const status = await new Promise<number>((resolve, reject) => {
      child.on("error", (cause) =>
        reject(new InfraError("TOOL_FAILED", `${shown}: ${cause.message}: install it`, { cause })),
      );
      child.on("close", (code, by) => resolve(code ?? (by === null ? 1 : 128)));
    });
    if (why === "" && (status === 0 || accept.includes(status))) return { status, ...output };
    const said = (output.stderr + output.stdout).trim().slice(-SHOWN_CHARS);
    throw new InfraError("TOOL_FAILED", `${shown} ${why === "" ? `ended with ${status}` : why}: ${said}`);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // it has already ended
  }
}
