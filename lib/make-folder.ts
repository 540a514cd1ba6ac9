// Creates a folder and its missing parents. Node's `mkdir` with `recursive` never returns if a parent exists
// and creating the child still fails with "not found", as everywhere under /proc: it occupies a thread for
// ever, and even the end of the process waits for that thread (Node 20, MKDirpAsync in src/node_file.cc).
// This function tries once per level.

import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { codeOf } from "./errors.ts";

/** Resolves when the folder exists, created by us or before. Rejects with the system's error. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const parent = dirname(path);
    if (codeOf(error) === "ENOENT" && parent !== path) {
      await makeFolder(parent);
      await mkdir(path).catch((again: unknown) => keepIfFolder(path, again));
    } else await keepIfFolder(path, error);
  }
}

/** Creates one level. @throws the error of `mkdir`, unless the folder exists */
async function keepIfFolder(path: string, error: unknown): Promise<void> {
  const there = await stat(path).catch(() => undefined); // if that fails too, the first error counts
  if (there?.isDirectory() !== true) throw error;
}
