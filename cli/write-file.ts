// Writing what a flag named.

import { existsSync } from "node:fs";
import { rmdir } from "node:fs/promises";
import { codeOf, messageOf, quote } from "../lib/errors.ts";
import { makeFolder } from "../lib/make-folder.ts";
import { CliError } from "./errors.ts";

/**
 * Returns what `work` does, which writes to `path`, or to standard output where there is none.
 * @throws CliError UNWRITABLE that names the flag, where the system refuses the file or folder
 */
export async function writing<T>(
  flag: string,
  path: string | undefined,
  work: () => T | Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const isSystems = cause instanceof Error && "syscall" in cause && codeOf(cause) !== undefined;
    if (path === undefined || !isSystems) throw cause;
    throw new CliError(
      "UNWRITABLE",
      `${flag} ${quote(path)} cannot be written (${messageOf(cause)}): check the path, its permissions and the disk's room`,
      { cause },
    );
  }
}

/**
 * Makes sure now that a folder can be made when there is something to write, and leaves it as it was: said at the start, and
 * not after a run of hours. @throws CliError UNWRITABLE
 */
export async function checkFolder(flag: string, path: string): Promise<void> {
  const isThere = existsSync(path);
  await writing(flag, path, () => makeFolder(path));
  if (!isThere) await rmdir(path);
}
