import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { tempDir } from "../../test/support/temp-dir.ts";
import { Random } from "../random.ts";
import { FollowSorter } from "./follow-sorter.ts";
import type { Rows } from "./rows.ts";

const asMap = (rows: Rows): Map<number, number[]> => new Map([...rows].map(({ id, ids }) => [id, [...ids]]));

function sortSimply(follows: readonly (readonly [number, number])[]): Map<number, number[]> {
  const rows = new Map<number, Set<number>>();
  for (const [from, to] of follows) rows.set(from, (rows.get(from) ?? new Set()).add(to));
  const sorted = [...rows].sort(([a], [b]) => a - b);
  return new Map(sorted.map(([id, ids]) => [id, [...ids].sort((a, b) => a - b)]));
}

describe("follow sorter", () => {
  const spreads: readonly (readonly [string, (random: Random) => number])[] = [
    ["close together", (random) => random.below(200)],
    ["decimal and interned", (random) => random.below(100) + (random.below(2) === 0 ? 0 : 0x8000_0000)],
    ["spread over all numbers", (random) => random.next() & 0xff00_00ff],
  ];
  for (const [what, pick] of spreads) {
    for (const mutual of [false, true]) {
      for (const blockFollows of [undefined, 997, 64]) {
        it(`ids ${what}, ${mutual ? "mutual" : "one way"}, blocks of ${blockFollows ?? "any size"} - yield sorted rows, twice`, () => {
          const random = new Random(7);
          const folder = join(tempDir(), "runs");
          const sorter = new FollowSorter({ mutual, folder, blockFollows });
          const follows = Array.from(
            { length: 5_000 },
            () => [pick(random) >>> 0, pick(random) >>> 0] as const,
          );
          for (const [from, to] of follows) sorter.add(from, to);
          const turned = follows.map(([from, to]) => [to, from] as const);
          const { forward, backward } = sorter.finish();
          assert.equal(sorter.runs, blockFollows === undefined ? 0 : Math.ceil(5_000 / blockFollows));
          for (let time = 0; time < 2; time += 1) {
            assert.deepEqual(asMap(forward), sortSimply(mutual ? [...follows, ...turned] : follows));
            assert.deepEqual(asMap(backward), sortSimply(mutual ? [...follows, ...turned] : turned));
          }
          sorter.remove();
          assert.equal(existsSync(folder), false);
        });
      }
    }
  }

  it("a row longer than a buffer - is read back from a file", () => {
    const folder = join(tempDir(), "runs");
    const sorter = new FollowSorter({ mutual: false, folder, blockFollows: 100_000 });
    for (let id = 0; id < 150_000; id += 1) sorter.add(id * 20_000, 1);
    const [row] = [...sorter.finish().backward];
    assert.deepEqual([row?.id, row?.ids.length, row?.ids.at(-1)], [1, 150_000, 149_999 * 20_000]);
    sorter.remove();
  });

  it("files left by a crash - are removed at the start", () => {
    const folder = join(tempDir(), "runs");
    mkdirSync(folder);
    writeFileSync(join(folder, "backward-77"), "half a run");
    const sorter = new FollowSorter({ mutual: true, folder, blockFollows: 1 });
    assert.equal(existsSync(folder), false);
    sorter.add(1, 2);
    assert.deepEqual(readdirSync(folder), ["backward-0"]);
    sorter.remove();
  });
});
