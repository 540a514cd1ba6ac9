import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parseTopic, parseUserId } from "../../broker/contract.ts";
import { tempDir } from "../../test/support/temp-dir.ts";
import { GraphStore } from "../graph-store.ts";
import { Random } from "../random.ts";
import { loadFollows } from "./load.ts";

const USERS = 12_000;
const EDGES = 60_000;

/** Loads a file and kills itself, as `kill -9` does, once the given part has been written. */
const DYING_LOADER = `
const [, module, path, directory, blockFollows, part] = process.argv;
const { loadFollows } = await import(module);
await loadFollows({ path }, { directory, kind: "friendships", blockFollows: Number(blockFollows), onProgress(phase, done, total) {
  if (phase === "writing" && done >= total * Number(part)) process.kill(process.pid, "SIGKILL");
} });`;

function makeEdges(): [number | string, number | string][] {
  const random = new Random(9);
  const name = (id: number): number | string => (id % 10 === 0 ? `u${id}` : id);
  return Array.from({ length: EDGES }, (_, index) => [
    name((index % USERS) + 1),
    name(random.below(USERS) + 1),
  ]);
}

function followersOf(store: GraphStore, user: string): string[] {
  return [...store.followers(parseTopic(user))].flatMap((ids) => [...ids].map((id) => store.nameOf(id)));
}

describe("bulk load, killed", () => {
  for (const [part, blockFollows] of [
    [0.1, 1_000_000],
    [0.45, 7_000],
    [0.75, 1_000_000],
    [0.95, 7_000],
  ] as const) {
    it(`at ${part * 100} % of its rows, blocks of ${blockFollows} - is not served, and succeeds when repeated`, async () => {
      const folder = tempDir();
      const [path, directory] = [join(folder, "follows.txt"), join(folder, "graph")];
      const follows = makeEdges();
      writeFileSync(path, follows.map(([a, b]) => `${a} ${b}\n`).join(""));
      const before = join(folder, "before.txt");
      writeFileSync(before, "1 zoe\n2 u10\n");
      await loadFollows({ path: before }, { directory, kind: "friendships" });

      const module = new URL("./load.js", import.meta.url).href;
      const { signal, stderr } = spawnSync(
        process.execPath,
        [
          "--input-type=module",
          "-e",
          DYING_LOADER,
          "--",
          module,
          path,
          directory,
          `${blockFollows}`,
          `${part}`,
        ],
        { encoding: "utf8" },
      );
      assert.equal(signal, "SIGKILL", stderr);
      assert.equal(existsSync(join(directory, "load-runs")), blockFollows < EDGES);
      await assert.rejects(GraphStore.open(directory), {
        code: "GRAPH_HALF_LOADED",
        message: /follows\.txt/,
      });
      await assert.rejects(loadFollows({ path: before }, { directory, kind: "friendships" }), {
        code: "GRAPH_HALF_LOADED",
        message: /"follows\.txt" .* load that again first/,
      });

      const report = await loadFollows({ path }, { directory, kind: "friendships" });
      assert.equal(existsSync(join(directory, "load-runs")), false);
      const expected = new Map<string, Set<string>>();
      const follow = (a: string, b: string): void => {
        expected.set(b, (expected.get(b) ?? new Set()).add(a));
      };
      for (const [a, b] of [...follows, [1, "zoe"] as const, [2, "u10"] as const]) {
        if (a === b) continue;
        follow(String(a), String(b));
        follow(String(b), String(a));
      }
      const total = [...expected.values()].reduce((sum, set) => sum + set.size, 0);
      const store = await GraphStore.open(directory);
      assert.equal(store.follows, total);
      assert.equal(report.added, total - 4);
      for (const [user, followers] of expected) {
        assert.deepEqual(followersOf(store, user).sort(), [...followers].sort(), user);
        const page = store.pageSubscriptions(parseUserId(user), undefined, 10_000);
        assert.deepEqual([...page.names].sort(), [...followers].sort(), user);
      }
      await store.close();
    });
  }
});
