// Prometheus' own check of a metrics page, if `promtool` is on PATH or scripts/prepare.mjs has downloaded it.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { cacheDir } from "../../lib/project.ts";
import { findExecutable } from "./find-executable.ts";

const binary = findExecutable("promtool", join(cacheDir, "prometheus", "usr", "bin"));

/** Why suites that need the command cannot run, or false if they can. */
export const noPromtool: string | false = binary === undefined && "no promtool on this machine";

/** Returns what `promtool check metrics` reports about a page; empty if it reports nothing. */
export function checkMetrics(page: string): string {
  if (binary === undefined) throw new Error(String(noPromtool));
  const { status, stdout, stderr, error } = spawnSync(binary, ["check", "metrics"], {
    input: page,
    encoding: "utf8",
  });
  if (error !== undefined) throw error;
  return status === 0 ? `${stdout}${stderr}` : `exit ${status}: ${stdout}${stderr}`;
}
