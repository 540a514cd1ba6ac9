// What the end-to-end test does otherwise than docs/deploy.md says: all of it. A command of the text that nothing here
// knows is run as it stands.

import type { GuideCommand, Place } from "./guide.ts";
import { home, packages } from "./places.ts";

type PlaceName =
  | "release"
  | "packages"
  | "site"
  | "verify"
  | "publish"
  | "deploy"
  | "rollback"
  | "reboot"
  | "backup"
  | "restore";

/** Where the end-to-end test stops in the text to look at what came of it. */
export const PLACES: Readonly<Record<PlaceName, Place>> = {
  release: ["From nothing to running", " release "],
  packages: ["Hosts that reach no archive", "base_packages_file"],
  site: ["From nothing to running", "/site.yml "],
  verify: ["From nothing to running", "/verify.yml"],
  publish: ["Sign in, and publish", " request "],
  deploy: ["A new release", "/deploy.yml "],
  rollback: ["A new release", "/rollback.yml"],
  reboot: ["Reboot", "/reboot.yml "],
  backup: ["Backups", "/backup.yml"],
  restore: ["Backups", "/restore.yml "],
};

/** Titles of docs/deploy.md whose commands are run, each command once and in its order. */
export const FOLLOWED: readonly string[] = [...new Set(Object.values(PLACES).map(([title]) => title))];

interface Difference {
  readonly why: string;
  readonly find: RegExp;
  /** What stands there instead; undefined: the command is not run. */
  readonly put: string | undefined;
}

/** Applied in this order, each to what the one before made of it. */
export const DIFFERENCES: readonly Difference[] = [
  { why: "needs an account at a cloud", find: /^terraform .*/s, put: undefined },
  { why: "no Terraform made the hosts", find: / --outputs \S+/, put: "" },
  { why: "the deployment is the lab's", find: /\bsmall\b/g, put: "lab" },
  { why: "home is a folder of the lab", find: /~\//, put: `${home}/` },
  {
    why: "fetched once, by the same code, and kept",
    find: /^node dist\/infra\/main\.js packages (\S+)$/,
    put: `cp ${packages} infra/state/lab/packages.tar`,
  },
  // the shell finds it: there is one
  { why: "FILE stands for a backup's name", find: /\bFILE\b/, put: '"$(ls infra/state/lab/backups)"' },
];

/** Where the hosts are, no registry is: this is run in the machine's own network. */
const NEEDS_REGISTRY = /^npm ci /;

export interface LabCommand {
  /** Undefined: not run. */
  readonly text: string | undefined;
  readonly network: "lab" | "machine";
  /** The differences, as they are called above. */
  readonly differences: readonly string[];
}

/** A command of the text as the lab runs it. */
export function inLab({ text }: GuideCommand): LabCommand {
  let changed: string | undefined = text;
  const differences: string[] = [];
  for (const { why, find, put } of DIFFERENCES) {
    if (changed === undefined || changed.search(find) < 0) continue;
    changed = put === undefined ? undefined : changed.replace(find, put);
    differences.push(why);
  }
  return { text: changed, network: NEEDS_REGISTRY.test(text) ? "machine" : "lab", differences };
}
