import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatEventId, type Hole } from "../../broker/contract.ts";
import type { ReplayPage } from "../../broker/index.ts";
import { Lanes } from "./lanes.ts";

const HOLE: Hole = { reason: "late", since: "2026-12-01T00:00:00.000Z" };

function eventOf(sequence: number, topic = "alice"): string {
  const id = formatEventId({ partition: 0, epoch: 1, sequence });
  return JSON.stringify({ id, topic, time: "2026-12-01T00:00:00.000Z", data: sequence });
}

function pageOf(sequences: readonly number[], upTo: number, last: boolean, hole?: Hole): ReplayPage {
  return { request: 1, upTo, last, ...(hole && { hole }), events: sequences.map((one) => eventOf(one)) };
}

/** Takes everything that is there, as sequences and reasons of holes. */
function taken(lanes: Lanes): (number | string)[] {
  const all: (number | string)[] = [];
  for (let item = lanes.take(); item !== undefined; item = lanes.take())
    all.push("hole" in item ? item.hole.reason : item.sequence);
  return all;
}

describe("lanes of a replay", () => {
  it("one user - pages are requested one after the other, and come out as they went in", () => {
    const lanes = new Lanes(["7"]);
    assert.deepEqual(
      lanes.takeWanting().map(({ reached }) => reached),
      [0],
    );
    assert.deepEqual(lanes.takeWanting(), [], "requested already");
    lanes.receive("7", pageOf([3, 5], 5, false));
    assert.deepEqual(lanes.takeWanting(), [], "the page has not been taken yet");
    assert.deepEqual(taken(lanes), [3, 5]);
    assert.deepEqual(
      lanes.takeWanting().map(({ reached }) => reached),
      [5],
    );
    assert.equal(lanes.isDone, false);
    lanes.receive("7", pageOf([8], 9, true));
    assert.deepEqual(taken(lanes), [8]);
    assert.equal(lanes.isDone, true);
  });

  it("several users - events are merged in order, and an event for two of them comes once", () => {
    const lanes = new Lanes(["7", "9"]);
    lanes.receive("7", pageOf([2, 4, 6], 6, false));
    assert.deepEqual(taken(lanes), [], "the other user may have earlier events");
    lanes.receive("9", pageOf([1, 4], 9, true));
    assert.deepEqual(taken(lanes), [1, 2, 4, 6]);
    lanes.receive("7", pageOf([], 9, true));
    assert.equal(lanes.isDone, true);
  });

  it("holes - keep their place, and those before every event can be taken first", () => {
    const lanes = new Lanes(["7"]);
    lanes.receive("7", pageOf([2], 2, false, { ...HOLE, reason: "graph-restarted" }));
    assert.deepEqual(
      lanes.takeFirstHoles().map(({ reason }) => reason),
      ["graph-restarted"],
    );
    assert.deepEqual(taken(lanes), [2]);
    lanes.receive("7", pageOf([5], 5, true, HOLE));
    assert.deepEqual(taken(lanes), ["late", 5]);
  });

  it("an ended follow - its events up to that moment are removed for this user only", () => {
    const lanes = new Lanes(["7", "9"]);
    const events = [eventOf(1, "alice"), eventOf(2, "bob"), eventOf(3, "alice")];
    for (const user of ["7", "9"]) lanes.receive(user, { request: 1, upTo: 9, last: true, events });
    lanes.withdraw("7", 2, "alice");
    assert.deepEqual(taken(lanes), [1, 2, 3], "the other user still follows");
    const alone = new Lanes(["7"]);
    alone.receive("7", { request: 1, upTo: 9, last: true, events });
    alone.withdraw("7", 2, "alice");
    assert.deepEqual(taken(alone), [2, 3]);
  });

  it("a repeated page - is dropped", () => {
    const lanes = new Lanes(["7"]);
    lanes.receive("7", pageOf([1], 1, true));
    lanes.receive("7", pageOf([1], 1, true));
    lanes.receive("8", pageOf([1], 1, true));
    assert.deepEqual(taken(lanes), [1]);
  });
});
