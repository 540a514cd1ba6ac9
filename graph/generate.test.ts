import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { countFriendships, type GraphShape, generateFriendships } from "./generate.ts";

function pairsOf(shape: GraphShape): [number, number][] {
  const pairs: [number, number][] = [];
  for (const { id, friends } of generateFriendships(shape))
    for (const friend of friends) pairs.push([friend, id]);
  return pairs;
}

describe("Barabási–Albert generator", () => {
  it("the article's size - yields 14,999,880 friendships", () => {
    assert.equal(countFriendships({ users: 1_000_000, friends: 15, seed: 1 }), 14_999_880);
  });

  for (const users of [1, 2, 10, 15, 16, 17, 500]) {
    it(`${users} users - have the computed number of friendships, no loop, no duplicate, and ids 1 to ${users}`, () => {
      const shape = { users, friends: 15, seed: 1 };
      const pairs = pairsOf(shape);
      assert.equal(pairs.length, countFriendships(shape));
      assert.equal(new Set(pairs.map((pair) => pair.join())).size, pairs.length);
      for (const [older, newer] of pairs) assert.ok(older >= 1 && older < newer && newer <= users);
    });
  }

  it("seed - determines the graph", () => {
    const shape = { users: 300, friends: 4, seed: 42 };
    assert.deepEqual(pairsOf(shape), pairsOf(shape));
    assert.notDeepEqual(pairsOf(shape), pairsOf({ ...shape, seed: 43 }));
  });

  it("degrees - follow a power law with an exponent of about 3, and none is below `friends`", () => {
    const shape = { users: 100_000, friends: 15, seed: 1 };
    const degrees = new Uint32Array(shape.users + 1);
    for (const [older, newer] of pairsOf(shape)) {
      degrees[older] = (degrees[older] ?? 0) + 1;
      degrees[newer] = (degrees[newer] ?? 0) + 1;
    }
    const sorted = degrees.slice(1).sort();
    assert.equal(sorted[0], 15);
    const tail = [...sorted].filter((degree) => degree >= 60);
    const exponent = 1 + tail.length / tail.reduce((sum, degree) => sum + Math.log(degree / 59.5), 0);
    assert.ok(exponent > 2.85 && exponent < 3.15, `exponent ${exponent}`);
    const median = sorted[shape.users / 2] ?? 0;
    assert.ok(median >= 20 && median <= 22, `median ${median}`);
  });
});
