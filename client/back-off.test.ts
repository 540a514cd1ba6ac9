// The bounds of the waits, for the best and the worst random numbers and for what a server may demand.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { retryAfterMs, waitMs } from "./back-off.ts";

const MINUTE_MS = 60_000;
const MINUTES = 20;

/** Times of requests that all fail at once, in milliseconds. */
function requestsFor(random: () => number, askedMs?: number): number[] {
  const times: number[] = [];
  let now = 0;
  for (let failures = 1; now < MINUTES * MINUTE_MS; failures += 1) {
    times.push(now);
    now += waitMs(failures, askedMs, random);
  }
  return times;
}

/** The largest number of requests in any minute, `[from, from + 1 min)`, of which the first begins later. */
function largestRate(times: readonly number[], laterThanMs: number): number {
  const within = (from: number): number =>
    times.filter((time) => time >= from && time < from + MINUTE_MS).length;
  return Math.max(...times.filter((time) => time >= laterThanMs).map(within));
}

describe("waitMs", () => {
  const sources: readonly (readonly [string, () => number])[] = [
    ["always 0", () => 0],
    ["always almost 1", () => 1 - Number.EPSILON],
    ["random", Math.random],
    [
      "0 and 1 by turns",
      ((): (() => number) => {
        let n = 0;
        return () => n++ % 2;
      })(),
    ],
  ];
  for (const [name, random] of sources)
    it(`random numbers that are ${name} - allow 10 requests in the first minute and 2 per minute later`, () => {
      const times = requestsFor(random);
      assert.ok(times.filter((time) => time <= MINUTE_MS).length <= 10, times.slice(0, 12).join());
      assert.ok(largestRate(times, MINUTE_MS) <= 2);
      assert.ok(times.length >= MINUTES, "a client must try at least once per minute");
    });

  it("the first failures - may wait up to 1, 2, 4, 8, 16 and 32 s, and from then on 30 to 60 s", () => {
    const bounds = (random: () => number): number[] =>
      [1, 2, 3, 4, 5, 6, 7, 8, 2_000].map((failures) => waitMs(failures, 0, random));
    assert.deepEqual(
      bounds(() => 0),
      [0, 0, 0, 0, 0, 0, 30_000, 30_000, 30_000],
    );
    assert.deepEqual(
      bounds(() => 1),
      [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000],
    );
  });

  it("a demanded time - is waited for, and the random part is added", () => {
    assert.equal(
      waitMs(1, 20_000, () => 0),
      20_000,
    );
    assert.equal(
      waitMs(3, 20_000, () => 0.5),
      22_000,
    );
    assert.equal(
      waitMs(9, 20_000, () => 0),
      30_000,
    );
    assert.equal(
      waitMs(9, 45_000, () => 1),
      75_000,
    );
  });

  it("a demanded time of more than a day - counts as a day", () => {
    assert.equal(
      waitMs(1, Number.MAX_SAFE_INTEGER, () => 0),
      86_400_000,
    );
  });

  it("a demanded time that is not a positive number - counts as none", () => {
    for (const asked of ["soon", {}, null, Number.NaN, -5, "-5", []])
      assert.deepEqual(
        [waitMs(1, asked as number, () => 0), waitMs(7, asked as number, () => 0)],
        [0, 30_000],
      );
  });
});

describe("retryAfterMs", () => {
  const of = (fields: Record<string, string>): number => retryAfterMs(new Headers(fields));
  const SENT = "Sat, 21 Nov 2026 20:00:00 GMT";

  it("seconds - are converted", () => {
    assert.equal(of({ "Retry-After": "0" }), 0);
    assert.equal(of({ "Retry-After": "120" }), 120_000);
  });

  it("a date - counts from the sender's own Date", () => {
    assert.equal(of({ "Retry-After": "Sat, 21 Nov 2026 20:01:30 GMT", Date: SENT }), 90_000);
  });

  it("a date without Date - counts from this machine's clock", () => {
    const ms = of({ "Retry-After": new Date(Date.now() + 90_000).toUTCString() });
    assert.ok(ms > 80_000 && ms <= 90_000, String(ms));
  });

  it("a date that has passed, nothing, and what cannot be read - are 0", () => {
    assert.equal(of({ "Retry-After": SENT, Date: "Sat, 21 Nov 2026 20:00:05 GMT" }), 0);
    assert.equal(of({}), 0);
    for (const value of ["soon", "-3", "1.5s"])
      assert.equal(of({ "Retry-After": value, Date: SENT }), 0, value);
  });
});
