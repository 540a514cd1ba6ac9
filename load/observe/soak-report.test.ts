import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MemorySample } from "./memory-sample.ts";
import type { SoakPlan, SoakRun } from "./soak.ts";
import { judgeSoak } from "./soak-report.ts";

const plan: SoakPlan = {
  connections: 10_000,
  rate: 1_000,
  generators: 100,
  seconds: 86_400,
  intervalMs: 60_000,
  onSample: () => {},
};

function samples(kbAMinute: number): MemorySample[] {
  return Array.from({ length: 1_440 }, (_, minute) => ({
    timeMs: minute * 60_000,
    connections: 10_000,
    pssKb: 0,
    anonKb: 80_000 + kbAMinute * minute,
    rssKb: 0,
    kernelKb: 0,
    processes: 1,
  }));
}

function run(more: { read?: number; closed?: number; restarts?: number; edgeKbAMinute?: number }): SoakRun {
  const { read = 1_000, closed = 0, restarts = 0, edgeKbAMinute = 0 } = more;
  return {
    loadedAtMs: 0,
    seconds: 86_400,
    samples: new Map([
      ["edge", samples(edgeKbAMinute)],
      ["broker", samples(0)],
    ]),
    sent: { messages: 1_000, refused: 0 },
    delivered: 1_000,
    clients: {
      ...{ active: 10_000 - closed, closed, failed: 0, chunks: 0, bytes: 0, opened: true, problems: [] },
      ...{ retried: 0, reopened: 0, messages: 0, resyncs: 0 },
      latencyMs: { count: read, p50: 1, p99: 2, max: 3 },
    },
    restarts,
  };
}

describe("judgeSoak", () => {
  it("good run - has no problems", () => {
    const verdict = judgeSoak(plan, run({}), undefined);
    assert.deepEqual(verdict.problems, []);
    assert.deepEqual([verdict.lost, verdict.memory.edge?.verdict], [0, "levels off"]);
  });

  const problems: readonly (readonly [string, Parameters<typeof run>[0], RegExp])[] = [
    ["a leak in one process", { edgeKbAMinute: 20 }, /^edge leaks: 20 \(20 to 20\)$/],
    ["a loss", { read: 999 }, /^1 messages lost$/],
    ["a duplicated message", { read: 1_001 }, /^1 more messages read than sent$/],
    ["a closed stream", { closed: 2 }, /^2 streams closed unexpectedly$/],
    ["a service that crashed", { restarts: 1 }, /^1 services ended and were restarted$/],
  ];
  for (const [what, more, message] of problems) {
    it(`${what} - is the only problem`, () => {
      const verdict = judgeSoak(plan, run(more), undefined);
      assert.equal(verdict.problems.length, 1);
      assert.match(verdict.problems[0] ?? "", message);
    });
  }

  it("warm-up - is not judged", () => {
    const early = run({});
    const grown = samples(0).map((sample, minute) => ({
      ...sample,
      anonKb: 80_000 + 50 * Math.min(minute, 1_000),
    }));
    const judge = (warmUpSeconds: number): string | undefined =>
      judgeSoak(plan, { ...early, samples: new Map([["edge", grown]]) }, warmUpSeconds).memory.edge?.verdict;
    assert.deepEqual([judge(0), judge(1_000 * 60)], ["undecided", "levels off"]);
  });
});
