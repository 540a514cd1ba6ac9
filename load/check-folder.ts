// Checks the folder of a report before a long run begins.

import { existsSync } from "node:fs";
import { rmdir } from "node:fs/promises";
import { writing } from "../lib/flag-files.ts";
import { makeFolder } from "../lib/make-folder.ts";

/**
 * Checks that a folder can be created, and leaves no trace: a command that runs for hours must find out
 * before it starts.
 * @throws CommandError UNWRITABLE
 */
export async function checkFolder(flag: string, path: string): Promise<void> {
  const isThere = existsSync(path);
  await writing(flag, path, () => makeFolder(path));
  if (!isThere) await rmdir(path);
}
