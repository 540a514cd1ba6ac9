// The graph of a million users with 15 friends each, as mutual friendships, in a temporary folder.

import { join } from "node:path";
import { generateFriendships, loadFollows } from "../../graph/index.ts";
import { tempDir } from "../../test/support/temp-dir.ts";

export const MILLION = { users: 1_000_000, friends: 15, seed: 1 } as const;

/** Generates and loads it. Returns the folder, which is removed when the process ends. */
export async function makeMillionGraph(): Promise<string> {
  const directory = join(tempDir(), "graph");
  const newcomers = generateFriendships(MILLION);
  await loadFollows({ name: "a million", newcomers }, { directory, kind: "friendships" });
  return directory;
}
