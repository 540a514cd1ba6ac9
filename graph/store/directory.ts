// Tracks the directories that this process has open. LevelDB locks a directory against other processes, but a
// failed second open in the same process releases that lock. Therefore this list refuses a second open before
// LevelDB is called.

import { readdirSync, realpathSync } from "node:fs";
import { messageOf, quote } from "../../lib/errors.ts";
import { makeFolder } from "../../lib/make-folder.ts";
import { GraphError } from "../errors.ts";

const open = new Set<string>();

/**
 * Claims a directory for this process, and creates it if it does not exist. Returns the function that
 * releases it.
 * @throws GraphError GRAPH_DIR_BUSY, GRAPH_DIR_FOREIGN, GRAPH_DISK_FAILED
 */
export async function claimDirectory(directory: string): Promise<() => void> {
  await makeFolder(directory).catch((cause: unknown) => {
    throw new GraphError(
      "GRAPH_DISK_FAILED",
      `${quote(directory)} cannot be created (${messageOf(cause)}): choose another folder with --data`,
      { cause },
    );
  });
  const path = realpathSync(directory);
  if (open.has(path)) {
    throw new GraphError("GRAPH_DIR_BUSY", `${path} is already open in this process: close it first`);
  }
  const files = readdirSync(path);
  if (files.length > 0 && !files.includes("CURRENT")) {
    throw new GraphError(
      "GRAPH_DIR_FOREIGN",
      `${path} holds files that do not belong to a graph (${files[0]}): choose an empty folder with --data`,
    );
  }
  open.add(path);
  return () => open.delete(path);
}
