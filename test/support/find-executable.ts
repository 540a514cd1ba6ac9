// Finds a program that a suite uses if it is installed.

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Returns the path of a program on PATH or in one of these folders, or undefined if there is none. */
export function findExecutable(name: string, ...folders: readonly string[]): string | undefined {
  return [...(process.env.PATH ?? "").split(delimiter), ...folders]
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/** Returns whether a file can be run. */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
