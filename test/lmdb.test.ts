// Our store compared with lmdb: from the same list of pairs, both return the same followers, from disk rows
// and from memory. This checks a sample; `node dist/bench/compare-lmdb.js` compares a million users.

import assert from "node:assert/strict";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { after, before, describe, it } from "node:test";
import { parseTopic } from "../broker/contract.ts";
import { GraphStore, generateFriendships, loadFollows } from "../graph/index.ts";
import { LmdbGraph } from "./support/lmdb-graph.ts";
import { tempDir } from "./support/temp-dir.ts";

const SHAPE = { users: 20_000, friends: 15, seed: 7 } as const;

describe("the store compared with lmdb", () => {
  const folder = tempDir();
  const directory = join(folder, "graph");
  let lmdb: LmdbGraph;

  before(async () => {
    const file = join(folder, "friendships.txt");
    const out = createWriteStream(file);
    for (const { id, friends } of generateFriendships(SHAPE))
      out.write([...friends].map((friend) => `${friend} ${id}\n`).join(""));
    await finished(out.end());
    await loadFollows({ path: file }, { directory, kind: "friendships" });
    lmdb = await LmdbGraph.load(file, join(folder, "lmdb"));
  });
  after(() => lmdb.close());

  for (const [from, memoryBytes] of [
    ["disk", 0],
    ["memory", 67_108_864],
  ] as const) {
    it(`every user's followers, from ${from} - equal those in lmdb`, async () => {
      const store = await GraphStore.open(directory, { memoryBytes });
      assert.equal(store.receivers.complete, memoryBytes > 0);
      assert.equal(lmdb.users, SHAPE.users);
      for (let user = 0; user <= SHAPE.users + 1; user += 1) {
        const ours = [...store.followers(parseTopic(String(user)))].map((ids) =>
          Buffer.from(ids.slice().buffer),
        );
        assert.deepEqual(Buffer.concat(ours), Buffer.from(lmdb.friends(user).buffer), `user ${user}`);
      }
      await store.close();
    });
  }
});
