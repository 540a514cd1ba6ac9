import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { layoutFor } from "./layout.ts";

describe("layoutFor", () => {
  const cases: readonly (readonly [
    connections: number,
    limit: number,
    edges: number,
    floods: number,
    addresses: number,
  ])[] = [
    [1_000, 20_000, 1, 1, 1],
    [18_400, 20_000, 1, 1, 2],
    [18_401, 20_000, 2, 1, 2],
    [1_000_000, 20_000, 55, 51, 85],
    [1_000_000, 1_048_576, 2, 1, 85],
  ];
  for (const [connections, limit, edges, floods, addresses] of cases) {
    it(`${connections} at ${limit} descriptors - ${edges} edge workers, ${floods} flood processes, ${addresses} addresses`, () => {
      const { edgeWorkers, floodProcesses, sources } = layoutFor(connections, limit, 28_232);
      assert.deepEqual([edgeWorkers, floodProcesses, sources.length], [edges, floods, addresses]);
    });
  }

  it("each address - uses at most half of its ports, which the kernel finds quickly", () => {
    for (const connections of [10_000, 100_000, 3_000_000]) {
      const { sources } = layoutFor(connections, 20_000, 28_232);
      assert.ok(Math.ceil(connections / sources.length) < 28_232 / 2);
      assert.equal(new Set(sources).size, sources.length);
      for (const source of sources) assert.match(source, /^127\.0\.([1-9]|\d\d+)\.([1-9]\d{0,2})$/);
    }
  });
});
