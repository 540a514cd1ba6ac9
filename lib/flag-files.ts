// Access to the files and folders that flags name. An error of the operating system becomes one that names
// the flag.

import { readFileSync } from "node:fs";
import { CommandError } from "./command-error.ts";
import { codeOf, messageOf, quote } from "./errors.ts";

/** Reads a text file. @throws CommandError USAGE if it cannot be read */
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
 * Runs `work` and returns its result. `work` writes to `path`, or to standard output if that is undefined.
 * @throws CommandError UNWRITABLE if the operating system refuses to write there
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
      `${flag} ${quote(path)} cannot be written (${messageOf(cause)}): check the path, its permissions and the free space`,
      { cause },
    );
  }
}
