// The followers of all of a million users, out of lmdb and out of our store: ends with 1 where one differs. The edge list
// goes into lmdb by code of its own (test/support/lmdb-graph.ts). Half a minute, 3 GB of memory.
// `node dist/bench/compare-lmdb.js FILE DIR`: an edge list, and the graph loaded from it.

import { join } from "node:path";
import { parseTopic } from "../broker/contract.ts";
import { DEFAULT_ROW_MEMORY_MB, GraphStore } from "../graph/index.ts";
import { LmdbGraph } from "../test/support/lmdb-graph.ts";
import { tempDir } from "../test/support/temp-dir.ts";
import { report } from "./support/report.ts";

const [file, directory] = process.argv.slice(2);
if (file === undefined || directory === undefined)
  throw new Error("what to compare? say FILE DIR: an edge list, and the folder of the graph loaded from it");

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
