// The `nats` command of the NATS project, if it is on PATH.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { findExecutable } from "./find-executable.ts";

const TIMEOUT_MS = 20_000;

const binary = findExecutable("nats");

/** Why suites that need the command cannot run, or false if they can. */
export const noNatsCli: string | false = binary === undefined && "no `nats` command on PATH";

/** Runs `nats` against a server and returns its output. No context of the developer is used. */
export async function natsCli(url: string, ...args: readonly string[]): Promise<string> {
  if (binary === undefined) throw new Error(String(noNatsCli));
  const all = ["--server", url, "--no-context", ...args];
  const { stdout } = await promisify(execFile)(binary, all, { timeout: TIMEOUT_MS });
  return stdout;
}
