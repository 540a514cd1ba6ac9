// The protocol of history and resume, as a random walk over a model of it: before the code, and beside it. A short form
// runs with the other tests; MODEL_WALKS=20000 is the long one.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ALL_RULES, type Rules } from "./rules.ts";
import { type WalkCounts, walk } from "./walk.ts";

const WALKS = Number(process.env.MODEL_WALKS ?? 1_000);
/** A rule that so many walks do not miss is not needed, or not tested. */
const MAX_WALKS_WITHOUT_RULE = 20_000;

function firstProblem(rules: Rules, walks: number): string | undefined {
  for (let seed = 1; seed <= walks; seed += 1) {
    const [problem] = walk(seed, rules).problems;
    if (problem !== undefined) return `seed ${seed}: ${problem}`;
  }
  return undefined;
}

describe("seam", () => {
  it(`${WALKS} walks - lose nothing, deliver nothing twice, out of order or to strangers`, (t) => {
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
      assert.ok(problem !== undefined, `${MAX_WALKS_WITHOUT_RULE} walks did not miss it`);
      t.diagnostic(problem);
    });
  }
});
