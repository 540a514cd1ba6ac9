import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseUserId } from "../../broker/contract.ts";
import { EventTallies } from "./tallies.ts";

describe("tallies of counted events", () => {
  it("take - returns a tally once and forgets it", () => {
    const tallies = new EventTallies();
    tallies.note("e1", parseUserId("7"), 2);
    tallies.note("e1", parseUserId("9"), 0);
    assert.deepEqual(tallies.take("e1"), [{ online: ["7", "9"], delivered: 2, last: true }]);
    assert.deepEqual(tallies.take("e1"), [{ online: [], delivered: 0, last: true }]);
  });

  it("long lists - are split into parts, the last of which has the deliveries", () => {
    const tallies = new EventTallies();
    for (let user = 0; user < 20_000; user += 1) tallies.note("e1", parseUserId(String(user)), 1);
    const parts = tallies.take("e1");
    assert.deepEqual(
      parts.map(({ online, delivered, last }) => [online.length, delivered, last]),
      [
        [8_000, 0, false],
        [8_000, 0, false],
        [4_000, 20_000, true],
      ],
    );
  });

  it("small max_payload - bounds every part, and each user is named once", () => {
    const tallies = new EventTallies();
    const users = Array.from({ length: 1_000 }, (_, n) => String(n).padEnd(64, "u"));
    for (const user of users) tallies.note("e1", parseUserId(user), 1_000_000_000);
    const parts = tallies.take("e1", 16_384);
    for (const part of parts) assert.ok(JSON.stringify(part).length <= 16_384);
    assert.deepEqual(
      parts.flatMap(({ online }) => online),
      users,
    );
    assert.deepEqual(
      parts.map(({ last }) => last),
      [...Array.from({ length: parts.length - 1 }, () => false), true],
    );
  });

  it("tallies that are not requested - are bounded, and the oldest are dropped first", () => {
    const tallies = new EventTallies();
    for (let event = 0; event < 2_000; event += 1) tallies.note(`e${event}`, parseUserId("7"), 1);
    assert.equal(tallies.take("e0")[0]?.delivered, 0);
    assert.equal(tallies.take("e1999")[0]?.delivered, 1);
  });
});
