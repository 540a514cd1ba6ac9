// Locates this checkout or release: the folder with our package.json, found by going up from this file, so
// that compiled files and sources agree.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Absolute path of the project's root folder. */
export const projectRoot: string = findRoot(dirname(fileURLToPath(import.meta.url)));

/** The version of this release, from package.json. */
export const version: string = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")).version;

/** The project's cache. It holds what the set-up downloaded, and may be deleted at any time. */
export const cacheDir: string = join(projectRoot, ".cache");

function findRoot(folder: string): string {
  if (existsSync(join(folder, "package.json"))) return folder;
  const parent = dirname(folder);
  if (parent === folder)
    throw new Error(
      "no package.json in any folder above this file: the checkout is incomplete; clone it again",
    );
  return findRoot(parent);
}
