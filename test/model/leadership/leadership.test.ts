// Leadership as a random walk over a model of it, which runs the product's own decisions. A short form runs
// with the other tests; MODEL_WALKS=20000 runs the long one.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ALL_LEADERSHIP_RULES, type LeadershipRules } from "./rules.ts";
import { walkLeadership } from "./walk.ts";
import type { LeadershipCounts } from "./world.ts";

const WALKS = Number(process.env.MODEL_WALKS ?? 100);
/** Number of walks after which a rule must have been missed; otherwise it is unnecessary or untested. */
const MAX_WALKS_WITHOUT_RULE = 20_000;

function firstProblem(rules: LeadershipRules, walks: number): string | undefined {
  for (let seed = 1; seed <= walks; seed += 1) {
    const [problem] = walkLeadership(seed, rules).problems;
    if (problem !== undefined) return `seed ${seed}: ${problem}`;
  }
  return undefined;
}

describe("the leadership of a partition", () => {
  it(`${WALKS} walks - lose and double nothing, and depose no healthy leader`, (t) => {
    const sums: Partial<Record<keyof LeadershipCounts, number>> = {};
    for (let seed = 1; seed <= WALKS; seed += 1) {
      const { problems, counts } = walkLeadership(seed, ALL_LEADERSHIP_RULES);
      assert.deepEqual(problems, [], `seed ${seed}`);
      for (const [name, count] of Object.entries(counts) as [keyof LeadershipCounts, number][])
        sums[name] = (sums[name] ?? 0) + count;
    }
    t.diagnostic(JSON.stringify(sums));
  });

  for (const rule of Object.keys(ALL_LEADERSHIP_RULES) as (keyof LeadershipRules)[]) {
    it(`walks without the rule ${rule} - fail`, (t) => {
      const problem = firstProblem({ ...ALL_LEADERSHIP_RULES, [rule]: false }, MAX_WALKS_WITHOUT_RULE);
      assert.ok(problem !== undefined, `${MAX_WALKS_WITHOUT_RULE} walks passed without it`);
      t.diagnostic(problem);
    });
  }
});
