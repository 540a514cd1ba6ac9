// A cgroup for each host of the lab, in every hierarchy where systemd inside keeps its own: what bounds and finds all of
// its processes, also those that left their parents. Works with cgroup v2 and with v1 or hybrid trees.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { killAll } from "./kill.ts";

const ROOT = "/sys/fs/cgroup";

/** Hierarchies that systemd uses for its units: the one tree of v2, or v1's by name with v2 beside it. */
const hierarchies = (): string[] =>
  existsSync(join(ROOT, "cgroup.controllers"))
    ? [ROOT]
    : [join(ROOT, "systemd"), join(ROOT, "unified")].filter((path) => existsSync(path));

/** Paths of a host's cgroups, whether they exist or not. */
function cgroupsOf(name: string): string[] {
  return hierarchies().map((path) => join(path, `encke-lab-${name}`));
}

export function makeCgroups(name: string): string[] {
  const paths = cgroupsOf(name);
  for (const path of paths) mkdirSync(path);
  return paths;
}

/** Every process in a cgroup and below. */
function processesIn(path: string): number[] {
  if (!existsSync(path)) return [];
  const own = readFileSync(join(path, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);
  return [...own, ...childrenOf(path).flatMap(processesIn)];
}

/** Kills what is left in a host's cgroups and removes them. Idempotent. @throws Error where something survives that */
export async function endCgroups(name: string): Promise<void> {
  for (const path of cgroupsOf(name))
    await killAll(
      path,
      () => processesIn(path),
      () => remove(path),
    );
}

function childrenOf(path: string): string[] {
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(path, entry.name));
}

/** Innermost first; false while the kernel still has a process's end before it. */
function remove(path: string): boolean {
  if (!existsSync(path)) return true;
  try {
    for (const child of childrenOf(path)) if (!remove(child)) return false;
    rmdirSync(path);
    return true;
  } catch {
    return false; // asked again until the deadline
  }
}
