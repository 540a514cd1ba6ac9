// Who has which directory open. LevelDB locks a directory against other processes, but a second, failed open in the
// same process drops that lock: so within a process this list refuses first, and the database is never asked twice.

import { readdirSync, realpathSync } from "node:fs";
import { messageOf, quote } from "../../lib/errors.ts";
import { makeFolder } from "../../lib/make-folder.ts";
import { GraphError } from "../errors.ts";

const open = new Set<string>();

/**
 * Claims a directory for this process, making it if it is not there. Answers the function that gives it back.
 * @throws GraphError GRAPH_DIR_BUSY, GRAPH_DIR_FOREIGN, GRAPH_DISK_FAILED
 */
export async function claimDirectory(directory: string): Promise<() => void> {
  await makeFolder(directory).catch((cause: unknown) => {
    throw new GraphError(
      "GRAPH_DISK_FAILED",
      `${quote(directory)} cannot be made (${messageOf(cause)}): choose another folder with --data`,
      { cause },
    );
  });
  const path = realpathSync(directory);
  if (open.has(path)) {
    throw new GraphError("GRAPH_DIR_BUSY", `${path} is open in this process already: close it first`);
  }
  const files = readdirSync(path);
  if (files.length > 0 && !files.includes("CURRENT")) {
    throw new GraphError(
      "GRAPH_DIR_FOREIGN",
      `${path} holds files that are no graph (${files[0]}): choose an empty folder with --data`,
    );
  }
  open.add(path);
  return () => open.delete(path);
}
