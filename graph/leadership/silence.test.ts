import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LEADER_BEAT_MS, Silence } from "./silence.ts";

/** Ticks on time, with pings answered; returns the time of the last tick. */
function tick(silence: Silence, times: number, fromMs = 0): number {
  let nowMs = fromMs;
  for (let count = 0; count < times; count += 1) {
    nowMs += LEADER_BEAT_MS;
    silence.answered(nowMs - 10);
    silence.tick(nowMs);
  }
  return nowMs;
}

describe("silence", () => {
  it("three seconds of ticks - end the count", () => {
    const silence = new Silence();
    const nowMs = tick(silence, 12); // the first tick follows none, so it does not count
    assert.equal(silence.isOver, false);
    tick(silence, 1, nowMs);
    assert.equal(silence.isOver, true);
  });

  it("a sign of the leader - starts the count again", () => {
    const silence = new Silence();
    const nowMs = tick(silence, 13);
    silence.restart();
    assert.equal(silence.isOver, false);
    tick(silence, 11, nowMs);
    assert.equal(silence.isOver, false);
  });

  it("a late tick - starts the count again, although the clock shows more than three seconds", () => {
    const silence = new Silence();
    const nowMs = tick(silence, 12);
    tick(silence, 1, nowMs + 4_000);
    assert.equal(silence.isOver, false);
    tick(silence, 12, nowMs + 4_000 + LEADER_BEAT_MS);
    assert.equal(silence.isOver, true);
  });

  it("a ping without an answer - starts the count again", () => {
    const silence = new Silence();
    let nowMs = tick(silence, 12);
    for (let count = 0; count < 5; count += 1) {
      nowMs += LEADER_BEAT_MS;
      silence.tick(nowMs);
    }
    assert.equal(silence.isOver, false);
  });
});
