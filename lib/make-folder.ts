// Makes a folder and what is missing above it. Instead of Node's `mkdir` with `recursive`, which never returns where a
// parent exists and the child is still "not found", as anywhere under /proc: it keeps a core busy for ever on a thread
// that even the end of the process waits for (Node 20, MKDirpAsync in src/node_file.cc). One try per level here.

import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { codeOf } from "./errors.ts";

/** Resolves when the folder is there, made by us or not. Rejects with the system's error. */
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

/** @throws what `mkdir` threw where there is no folder */
async function keepIfFolder(path: string, error: unknown): Promise<void> {
  const there = await stat(path).catch(() => undefined); // not even that: the first error tells more
  if (there?.isDirectory() !== true) throw error;
}
