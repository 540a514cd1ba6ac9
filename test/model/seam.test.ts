// The protocol of history and resume as a random walk over a model of it. A short form runs with the other
// tests; MODEL_WALKS=20000 runs the long one.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ALL_RULES, type Rules } from "./rules.ts";
import { type WalkCounts, walk } from "./walk.ts";

const WALKS = Number(process.env.MODEL_WALKS ?? 500);
/** Number of walks after which a rule must have been missed; otherwise it is unnecessary or untested. */
const MAX_WALKS_WITHOUT_RULE = 20_000;

function firstProblem(rules: Rules, walks: number): string | undefined {
  for (let seed = 1; seed <= walks; seed += 1) {
    const [problem] = walk(seed, rules).problems;
    if (problem !== undefined) return `seed ${seed}: ${problem}`;
  }
  return undefined;
}

describe("the seam of a resumed stream", () => {
  it(`${WALKS} walks - lose nothing, and deliver nothing twice, out of order or to other users`, (t) => {
    const sums: Partial<Record<keyof WalkCounts, number>> = {};
    for (let seed = 1; seed <= WALKS; seed += 1) {
      const { problems, counts } = walk(seed, ALL_RULES);
      assert.deepEqual(problems, [], `seed ${seed}`);
      for (const [name, count] of Object.entries(counts) as [keyof WalkCounts, number][])
        sums[name] = (sums[name] ?? 0) + count;
    }
    t.diagnostic(JSON.stringify(sums));
  });

  for (const rule of Object.keys(ALL_RULES) as (keyof Rules)[]) {
    it(`walks without the rule ${rule} - fail`, (t) => {
      const problem = firstProblem({ ...ALL_RULES, [rule]: false }, MAX_WALKS_WITHOUT_RULE);
      assert.ok(problem !== undefined, `${MAX_WALKS_WITHOUT_RULE} walks passed without it`);
      t.diagnostic(problem);
    });
  }
});
