// Packs a release into one file: the output of `npm run build`, the npm packages that it needs, and the
// Node.js of this machine, so that a host needs only Debian. It is assembled in a temporary folder. The last
// file in the tar is release.json, so a folder that contains it is complete.

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

/** Folders of dist/ that run on hosts. */
const FOLDERS = ["lib", "broker", "graph", "edge", "cli"];
const MODULES = "node_modules/";
/** The folder of a package. Its own node_modules/ is copied with it. */
const TOP_LEVEL = /^node_modules\/(@[^/]+\/)?[^/]+/;
const NOT_NEEDED = /\.(d\.ts|js\.map|test\.js|stamp)$|\/(conformance|\.tsbuildinfo)/;
/** Packing takes ten seconds on two cores. */
const PACK_MS = 300_000;

const START = `#!/bin/sh
# The encke command of this release, with the Node.js that it was built with.
here=$(dirname "$(readlink -f "$0")")
exec "$here/bin/node" "$here/dist/cli/main.js" "$@"
`;

export interface BundleOptions {
  /** Name of the release: letters, digits, dots, dashes, plus. */
  readonly name: string;
  /** Folder into which the bundle is written. */
  readonly out: string;
  /** Changes the tree before it is packed. The lab makes a broken release with it. */
  readonly alter?: (folder: string) => void;
}

/** Packs a release and returns the path of the bundle. @throws InfraError NOT_BUILT, USAGE, TOOL_FAILED */
export async function makeBundle({ name, out, alter }: BundleOptions): Promise<string> {
  if (!/^[0-9A-Za-z][0-9A-Za-z.+-]{0,63}$/.test(name))
    throw new InfraError(
      "USAGE",
      `${JSON.stringify(name)} is not a valid name of a release: use letters, digits, . + -`,
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
  for (const folder of FOLDERS)
    cpSync(join(dist, folder), join(work, "dist", folder), {
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

interface LockedPackage {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/**
 * Returns the folders of the installed packages on which the root package depends, directly or not. The marks
 * in the lock file do not suffice, because npm regards the dependencies of a workspace as production
 * packages.
 */
function productionPackages(): string[] {
  const { packages } = JSON.parse(readFileSync(join(projectRoot, "package-lock.json"), "utf8")) as {
    packages: Readonly<Record<string, LockedPackage>>;
  };
  const found = new Set<string>();
  const visit = (from: string): void => {
    const { dependencies, optionalDependencies } = packages[from] ?? {};
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const path = resolveFolder(packages, from, name);
      if (path === undefined || found.has(path)) continue;
      found.add(path);
      visit(path);
    }
  };
  visit("");
  const folders = new Set([...found].map((path) => TOP_LEVEL.exec(path)?.[0] ?? path));
  return [...folders].filter((path) => existsSync(join(projectRoot, path)));
}

/** Finds a package as Node.js does: in the node_modules/ of a folder, or in that of a folder above. */
function resolveFolder(packages: object, from: string, name: string): string | undefined {
  for (let folder = from; ; folder = folder.slice(0, Math.max(folder.lastIndexOf(`/${MODULES}`), 0))) {
    const path = folder === "" ? MODULES + name : `${folder}/${MODULES}${name}`;
    if (path in packages) return path;
    if (folder === "") return undefined;
  }
}

function ownVersion(): string {
  return (JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")) as { version: string }).version;
}
