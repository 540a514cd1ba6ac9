// Where this checkout lies: the folder whose package.json is ours, found from this file upwards, so that compiled
// and source files agree on it.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Absolute path of the project's root folder. */
export const projectRoot: string = findRoot(dirname(fileURLToPath(import.meta.url)));

/** The version of this release, from package.json. */
export const version: string = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")).version;

/** The project's own cache: what its set-up fetched and may be deleted at any time. */
export const cacheDir: string = join(projectRoot, ".cache");

function findRoot(folder: string): string {
  if (existsSync(join(folder, "package.json"))) return folder;
  const parent = dirname(folder);
  if (parent === folder)
    throw new Error("no package.json above this file: the checkout is incomplete, clone it again");
  return findRoot(parent);
}
