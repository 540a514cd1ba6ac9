// Tests of the ring against a plain array, over growth and over its end.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Random } from "../random.ts";
import { OrdinalRing } from "./ordinal-ring.ts";

const STEPS = 300;
const MAX_AT_ONCE = 700;

describe("ordinal ring", () => {
  it("random appends, one by one and together, and drops - contains what a plain array does", () => {
    const random = new Random(5);
    const first = 4_000;
    const ring = new OrdinalRing(first, Uint32Array);
    const plain: number[] = [];
    for (let step = 0; step < STEPS; step += 1) {
      const values = Uint32Array.from({ length: random.below(MAX_AT_ONCE) }, () => random.below(2 ** 32));
      if (step % 3 === 0) for (const value of values) ring.append(value);
      else ring.appendAll(values);
      plain.push(...values);
      if (step % 2 === 0) ring.dropBefore(ring.first + random.below(ring.next - ring.first));
      assert.equal(ring.next, first + plain.length);
      const stored = Array.from({ length: ring.next - ring.first }, (_, nth) => ring.at(ring.first + nth));
      assert.deepEqual(stored, plain.slice(ring.first - first));
    }
  });
});
