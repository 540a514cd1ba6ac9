import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Backlogs } from "./backlogs.ts";

describe("backlogs of slow readers", () => {
  it("bytes - are the sum of the waiting bytes, and 0 once they are taken or forgotten", () => {
    const backlogs = new Backlogs<string>();
    backlogs.note("a", 0, 100, 0);
    assert.equal(backlogs.bytes, 0);
    backlogs.note("a", 100, 100, 0);
    backlogs.note("b", 50, 50, 0);
    backlogs.note("a", 180, 80, 1);
    assert.equal(backlogs.bytes, 230);
    assert.equal(backlogs.longest(), "a");
    backlogs.note("a", 0, 0, 2);
    backlogs.forget("b");
    backlogs.forget("b");
    assert.equal(backlogs.bytes, 0);
    assert.deepEqual([...backlogs.streams()], []);
    assert.equal(backlogs.longest(), undefined);
  });

  it("stalled - does not apply to a reader that takes some bytes, however many are written to it meanwhile", () => {
    const backlogs = new Backlogs<string>();
    backlogs.note("a", 100, 100, 0);
    backlogs.note("a", 200, 100, 10);
    assert.equal(backlogs.stalledMs("a", 20), 20);
    backlogs.note("a", 250, 100, 30);
    assert.equal(backlogs.stalledMs("a", 40), 10);
    assert.equal(backlogs.stalledMs("absent", 40), 0);
  });
});
