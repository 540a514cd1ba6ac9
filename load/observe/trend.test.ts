import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MemorySample } from "./memory-sample.ts";
import { theilSen } from "./slope.ts";
import { judgeTrend } from "./trend.ts";

/** Returns pseudo-random numbers that are the same in every run. */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
}

/** Returns one day of samples, one per minute. */
function day(anonKbAt: (minute: number) => number, minutes = 1_440): MemorySample[] {
  return Array.from({ length: minutes }, (_, minute) => ({
    timeMs: minute * 60_000,
    connections: 10_000,
    pssKb: 0,
    anonKb: anonKbAt(minute),
    rssKb: 0,
    kernelKb: undefined,
    processes: 1,
  }));
}

describe("theilSen", () => {
  it("line - yields its exact slope, which outliers do not change", () => {
    const line = Array.from({ length: 31 }, (_, x) => [x, 5 + 2 * x] as const);
    assert.deepEqual(theilSen(line), { perUnit: 2, low: 2, high: 2 });
    const wild = line.map(([x, y]) => [x, x % 5 === 2 ? y + 1e6 : y] as const);
    assert.equal(theilSen(wild)?.perUnit, 2);
  });

  it("noise without a slope - yields an interval that contains 0 in 19 of 20 cases", () => {
    const random = noise(7);
    let holds = 0;
    for (let trial = 0; trial < 400; trial += 1) {
      const slope = theilSen(Array.from({ length: 40 }, (_, x) => [x, random()] as const));
      if (slope !== undefined && slope.low <= 0 && slope.high >= 0) holds += 1;
    }
    assert.ok(holds > 360 && holds < 396, `${holds} of 400`);
  });

  it("too few points - yield no slope", () => {
    assert.equal(theilSen([]), undefined);
    assert.equal(
      theilSen([
        [0, 1],
        [1, 2],
      ]),
      undefined,
    );
    assert.equal(
      theilSen([
        [1, 1],
        [1, 2],
        [1, 3],
      ]),
      undefined,
    );
  });
});

describe("judgeTrend", () => {
  const random = noise(1);
  const cases: readonly (readonly [string, (minute: number) => number, string])[] = [
    ["a flat line", () => 80_000, "levels off"],
    ["noise of 5 MB", () => 80_000 + 5_000 * random(), "levels off"],
    ["a rise that levels off", (minute) => 80_000 * (1 - Math.exp(-minute / 60)), "levels off"],
    [
      "a collector's sawtooth, 20 MB every 17 min",
      (minute) => 80_000 + (20_000 * (minute % 17)) / 17,
      "levels off",
    ],
    ["a slow sawtooth, 20 MB every 90 min", (minute) => 80_000 + (20_000 * (minute % 90)) / 90, "undecided"],
    ["memory given back", (minute) => 120_000 - 20 * minute, "levels off"],
    [
      "one tooth of a saw that began higher",
      (minute) => (minute < 600 ? 120_000 : 80_000 + 40 * (minute - 600)),
      "undecided",
    ],
    ["a leak of 20 KB a minute", (minute) => 80_000 + 20 * minute, "leaks"],
    ["the same in noise of 5 MB", (minute) => 80_000 + 20 * minute + 5_000 * random(), "leaks"],
    ["the same under a sawtooth", (minute) => 80_000 + 20 * minute + (20_000 * (minute % 17)) / 17, "leaks"],
  ];
  for (const [what, anonKbAt, verdict] of cases) {
    it(`${what} - ${verdict}`, () => {
      const trend = judgeTrend(day(anonKbAt));
      assert.equal(trend.verdict, verdict, JSON.stringify(trend));
    });
  }

  it("samples before the given time, and a growing start - are not judged", () => {
    const samples = day((minute) => (minute < 1_000 ? 80_000 + 100 * minute : 180_000));
    assert.equal(judgeTrend(samples, 0).verdict, "undecided");
    const trend = judgeTrend(samples, 1_000 * 60_000);
    assert.deepEqual([trend.verdict, trend.samples, trend.minutes], ["levels off", 440, 439]);
  });

  it("short run - has a higher threshold, which is reported", () => {
    const short = judgeTrend(day(() => 80_000, 60));
    assert.equal(Math.round(short.threshold), Math.round((80_000 * 0.02 + 1_024) / 29));
    assert.equal(judgeTrend(day(() => 80_000)).threshold, 8);
  });

  it("too few samples - are undecided", () => {
    assert.equal(judgeTrend(day((minute) => 80_000 + 1e6 * minute, 9)).verdict, "undecided");
    assert.equal(judgeTrend([]).verdict, "undecided");
  });
});
