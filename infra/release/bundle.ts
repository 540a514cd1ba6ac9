// A release as one file: what `npm run build` made, the packages that it runs with, and the node that it was tested
// with, so that a host needs nothing but Debian. Built in a folder that is removed; the last file in the tar is
// release.json, so that a folder that has it is complete.

import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath, version } from "node:process";
import { projectRoot } from "../../lib/project.ts";
import { InfraError } from "../errors.ts";
import { run } from "../run.ts";

/** Rooms of dist/ that run on hosts. */
const ROOMS = ["lib", "broker", "graph", "edge", "cli"];
/** Packages inside of packages come along with them. */
const TOP_LEVEL = /^node_modules\/(@[^/]+\/)?[^/]+$/;
const NOT_NEEDED = /\.(d\.ts|js\.map|test\.js|stamp)$|\/(conformance|\.tsbuildinfo)/;
/** Debian's tar and gzip on two cores take ten seconds. */
const PACK_MS = 300_000;

const START = `#!/bin/sh
# The encke command of this release, with the node that it was built with.
here=$(dirname "$(readlink -f "$0")")
exec "$here/bin/node" "$here/dist/cli/main.js" "$@"
`;

export interface BundleOptions {
  /** The release's name: letters, digits, dots, dashes, plus. */
  readonly name: string;
  /** Folder of the bundle. */
  readonly out: string;
  /** Changes the tree before it is packed: the lab's way to a release that is broken. */
  readonly alter?: (folder: string) => void;
}

/** Packs a release and answers its path. @throws InfraError NOT_BUILT, USAGE, TOOL_FAILED */
export async function makeBundle({ name, out, alter }: BundleOptions): Promise<string> {
  if (!/^[0-9A-Za-z][0-9A-Za-z.+-]{0,63}$/.test(name))
    throw new InfraError(
      "USAGE",
      `${JSON.stringify(name)} is no name of a release: use letters, digits, . + -`,
    );
  if (!existsSync(join(projectRoot, "dist", "cli", "main.js")))
    throw new InfraError("NOT_BUILT", "dist/ is empty: run `npm ci --ignore-scripts && npm run build` first");
  const work = mkdtempSync(join(tmpdir(), "encke-release-"));
  try {
    fill(work);
    alter?.(work);
    const { platform, arch } = process;
    const about = { name, node: version, platform, arch, version: ownVersion() };
    writeFileSync(join(work, "release.json"), `${JSON.stringify(about, undefined, 2)}\n`);
    mkdirSync(out, { recursive: true });
    const target = join(out, `encke-${name}.tar.gz`);
    const parts = ["bin", "dist", "node_modules", "package.json", "encke", "release.json"];
    const owner = ["--owner=0", "--group=0", "--numeric-owner"];
    await run("tar", ["-C", work, ...owner, "-I", "gzip -3", "-cf", `${target}.part`, ...parts], {
      timeoutMs: PACK_MS,
    });
    renameSync(`${target}.part`, target);
    return target;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function fill(work: string): void {
  const dist = join(projectRoot, "dist");
  for (const room of ROOMS)
    cpSync(join(dist, room), join(work, "dist", room), {
      recursive: true,
      filter: (path) => !NOT_NEEDED.test(path.slice(dist.length)),
    });
  for (const folder of productionPackages())
    cpSync(join(projectRoot, folder), join(work, folder), { recursive: true, dereference: true });
  copyFileSync(join(projectRoot, "package.json"), join(work, "package.json"));
  mkdirSync(join(work, "bin"));
  copyFileSync(execPath, join(work, "bin", "node"));
  chmodSync(join(work, "bin", "node"), 0o755);
  writeFileSync(join(work, "encke"), START, { mode: 0o755 });
}

/** Folders of the packages that the lock file does not mark as development only, and that are installed here. */
function productionPackages(): string[] {
  const lock = JSON.parse(readFileSync(join(projectRoot, "package-lock.json"), "utf8")) as {
    packages: Record<string, { dev?: boolean; devOptional?: boolean }>;
  };
  return Object.entries(lock.packages)
    .filter(([, { dev, devOptional }]) => dev !== true && devOptional !== true)
    .map(([path]) => path)
    .filter((path) => TOP_LEVEL.test(path) && existsSync(join(projectRoot, path)));
}

function ownVersion(): string {
  return (JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")) as { version: string }).version;
}
