// The files that git tracks, for tests that read the whole repository.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../lib/project.ts";

const listed = spawnSync("git", ["ls-files", "-z"], { cwd: projectRoot, encoding: "utf8" });

/** Why there is no list, or false if there is one. */
export const noTrackedFiles: string | false = listed.status === 0 ? false : "this is not a git checkout";

/** Paths relative to the project's root, without files that are deleted in the working tree. */
export const trackedFiles: readonly string[] = (listed.stdout ?? "")
  .split("\0")
  .filter((path) => path !== "" && existsSync(join(projectRoot, path)));
