import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Leadership } from "./leadership.ts";
import { LEADER_BEAT_MS } from "./silence.ts";

const ME = "a.1";

function create(term = 0): Leadership {
  return new Leadership({ me: ME, term });
}

function waitForSilence(leadership: Leadership): void {
  for (let nowMs = 0; nowMs < 4_000; nowMs += LEADER_BEAT_MS) {
    leadership.answered(nowMs);
    leadership.tick(nowMs);
  }
}

describe("leadership", () => {
  it("silence - lets a standby try, with a term above all that it has seen", () => {
    const leadership = create(4);
    assert.equal(leadership.mayTry, false);
    leadership.see(7);
    waitForSilence(leadership);
    assert.equal(leadership.mayTry, true);
    assert.equal(leadership.nextTerm, 8);
  });

  it("beats and records of the current term - keep a standby from trying", () => {
    const leadership = create(4);
    waitForSilence(leadership);
    leadership.beat(4);
    assert.equal(leadership.mayTry, false);
    waitForSilence(leadership);
    leadership.applied({ kind: "check", term: 4 });
    assert.equal(leadership.mayTry, false);
  });

  it("records of a restored log - keep a standby from trying, although it has seen higher terms", () => {
    const leadership = create(4);
    waitForSilence(leadership);
    leadership.applied({ kind: "check", term: 3 });
    assert.equal(leadership.mayTry, false);
    waitForSilence(leadership);
    leadership.beat(3);
    assert.equal(leadership.mayTry, false);
  });

  it("the beats of a deposed leader - keep no standby from trying", () => {
    const leadership = create(4);
    leadership.applied({ kind: "check", term: 4 });
    waitForSilence(leadership);
    leadership.beat(3);
    assert.equal(leadership.mayTry, true);
  });

  it("its term record in the log - makes a service the leader, once a write of that term is acknowledged", () => {
    const leadership = create();
    leadership.applied({ kind: "term", term: 1, leader: ME });
    assert.equal(leadership.term, 1);
    assert.equal(leadership.mayAct(0), false);
    assert.equal(leadership.mustCheck(0), true);
    leadership.acknowledged(0);
    assert.equal(leadership.mayAct(1_999), true);
    assert.equal(leadership.mayAct(2_000), false);
  });

  it("the term record of another start of the same service - is not its own", () => {
    const leadership = create();
    leadership.applied({ kind: "term", term: 1, leader: "a.0" });
    assert.equal(leadership.term, undefined);
  });

  it("another term record, a newer beat, or an edge's newer term - depose the leader", () => {
    const depose: readonly ((leadership: Leadership) => void)[] = [
      (leadership) => leadership.applied({ kind: "term", term: 2, leader: "b.1" }),
      (leadership) => leadership.beat(2),
      (leadership) => leadership.see(2),
    ];
    for (const act of depose) {
      const leadership = create();
      leadership.applied({ kind: "term", term: 1, leader: ME });
      leadership.acknowledged(0);
      act(leadership);
      assert.equal(leadership.term, undefined);
      assert.equal(leadership.mayAct(1), false);
    }
  });

  it("a hand-over or a reconnect - stops the leader until another write is acknowledged", () => {
    for (const stop of ["freeze", "reconnected"] as const) {
      const leadership = create();
      leadership.applied({ kind: "term", term: 1, leader: ME });
      leadership.acknowledged(0);
      leadership[stop]();
      assert.equal(leadership.mayAct(1), false);
      assert.equal(leadership.term, 1);
      leadership.acknowledged(2);
      assert.equal(leadership.mayAct(3), true);
    }
  });
});
