// The `nats` command of the NATS project, if it is on PATH.

import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

const TIMEOUT_MS = 20_000;

const binary = (process.env.PATH ?? "")
  .split(delimiter)
  .map((folder) => join(folder, "nats"))
  .find(isExecutable);

/** Why suites that need the command cannot run, or false if they can. */
export const noNatsCli: string | false = binary === undefined && "no `nats` command on PATH";

/** Runs `nats` against a server and returns its output. No context of the developer is used. */
export async function natsCli(url: string, ...args: readonly string[]): Promise<string> {
  if (binary === undefined) throw new Error(String(noNatsCli));
  const all = ["--server", url, "--no-context", ...args];
  const { stdout } = await promisify(execFile)(binary, all, { timeout: TIMEOUT_MS });
  return stdout;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
