// Prints one JSON line per result, with the conditions of the measurement.

import { execFileSync } from "node:child_process";
import { cpus, totalmem } from "node:os";
import { projectRoot } from "../../lib/project.ts";

export function report(bench: string, figures: object): void {
  const machine = `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`;
  process.stdout.write(
    `${JSON.stringify({ bench, commit: commit(), node: process.version, machine, ...figures })}\n`,
  );
}

/** Rounds a number for display to this many decimal places. */
export function round(value: number, digits: number = 2): number {
  return Number(value.toFixed(digits));
}

function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync("git", args, { cwd: projectRoot, encoding: "utf8" }).trim();
  return git("rev-parse", "--short", "HEAD") + (git("status", "--porcelain") === "" ? "" : "+");
}
