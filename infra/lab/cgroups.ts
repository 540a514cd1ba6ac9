// One cgroup per host of the lab, in each hierarchy in which the systemd of the host has its own. It contains
// all processes of the host, even those that left their parents, so that they can be found and ended. Works
// with cgroup v1, v2 and hybrid.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { killAll } from "./kill.ts";

const ROOT = "/sys/fs/cgroup";

/** Returns the hierarchies that systemd uses for its units: the tree of v2, or the trees of v1. */
const hierarchies = (): string[] =>
  existsSync(join(ROOT, "cgroup.controllers"))
    ? [ROOT]
    : [join(ROOT, "systemd"), join(ROOT, "unified")].filter((path) => existsSync(path));

/** Returns the paths of the cgroups of a host, whether they exist or not. */
function cgroupsOf(name: string): string[] {
  return hierarchies().map((path) => join(path, `encke-lab-${name}`));
}

export function makeCgroups(name: string): string[] {
  const paths = cgroupsOf(name);
  for (const path of paths) mkdirSync(path);
  return paths;
}

/** Returns the ids of all processes in a cgroup and below. */
function processesIn(path: string): number[] {
  if (!existsSync(path)) return [];
  const own = readFileSync(join(path, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);
  return [...own, ...childrenOf(path).flatMap(processesIn)];
}

/** Kills all processes of a host and removes its cgroups. Idempotent. @throws Error if a process survives */
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

/** Removes a cgroup and its children. Returns false while the kernel still ends a process in it. */
function remove(path: string): boolean {
  if (!existsSync(path)) return true;
  try {
    for (const child of childrenOf(path)) if (!remove(child)) return false;
    rmdirSync(path);
    return true;
  } catch {
    return false; // the caller tries again until its deadline
  }
}
