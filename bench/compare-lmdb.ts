// Compares the followers of each of a million users in lmdb and in our store, and exits with 1 if any differ.
// The list of pairs is loaded into lmdb by separate code (test/support/lmdb-graph.ts). Takes half a minute
// and 3 GB of memory. `node dist/bench/compare-lmdb.js FILE DIR`: a list of pairs, and the folder of the
// graph loaded from it.

import { join } from "node:path";
import { parseTopic } from "../broker/contract.ts";
import { DEFAULT_ROW_MEMORY_MB, GraphStore } from "../graph/index.ts";
import { LmdbGraph } from "../test/support/lmdb-graph.ts";
import { tempDir } from "../test/support/temp-dir.ts";
import { report } from "./support/report.ts";

const [file, directory] = process.argv.slice(2);
if (file === undefined || directory === undefined)
  throw new Error("pass FILE DIR: a list of pairs, and the folder of the graph loaded from it");

const lmdb = await LmdbGraph.load(file, join(tempDir(), "lmdb"));
for (const memoryMb of [0, DEFAULT_ROW_MEMORY_MB]) {
  const store = await GraphStore.open(directory, { memoryBytes: memoryMb * 1_048_576 });
  let followers = 0;
  const different: number[] = [];
  for (let user = 0; user <= lmdb.users + 1; user += 1) {
    const theirs = lmdb.friends(user);
    let at = 0;
    let same = true;
    for (const ids of store.followers(parseTopic(String(user))))
      for (const id of ids) {
        same &&= theirs[at] === id;
        at += 1;
      }
    followers += at;
    if (!same || at !== theirs.length) different.push(user);
  }
  report("compare-lmdb", {
    from: memoryMb === 0 ? "disk" : "memory",
    users: lmdb.users,
    followers,
    different: different.length,
    first: different.slice(0, 10),
  });
  if (different.length > 0) process.exitCode = 1;
  await store.close();
}
await lmdb.close();
