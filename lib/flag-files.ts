// The files and folders that a command's flags name. What the system refuses becomes an error that names the flag.

import { existsSync, readFileSync } from "node:fs";
import { rmdir } from "node:fs/promises";
import { CommandError } from "./command-error.ts";
import { codeOf, messageOf, quote } from "./errors.ts";
import { makeFolder } from "./make-folder.ts";

/** @throws CommandError USAGE */
export function readTextFile(flag: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new CommandError(
      "USAGE",
      `${flag} ${quote(path)} cannot be read (${messageOf(cause)}): check the path`,
      { cause },
    );
  }
}

/**
 * Runs `work`, which writes to `path`, or to standard output where that is undefined, and returns what it returns.
 * @throws CommandError UNWRITABLE where the system refuses the file or folder
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
    throw new CommandError(
      "UNWRITABLE",
      `${flag} ${quote(path)} cannot be written (${messageOf(cause)}): check the path, its permissions and the disk's room`,
      { cause },
    );
  }
}

/**
 * Checks that a folder can be made when there is something to write, and leaves it as it was: a command that runs for
 * hours must not find out at its end. @throws CommandError UNWRITABLE
 */
export async function checkFolder(flag: string, path: string): Promise<void> {
  const isThere = existsSync(path);
  await writing(flag, path, () => makeFolder(path));
  if (!isThere) await rmdir(path);
}
