import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { type FrameHead, parseCursor } from "../../broker/contract.ts";
import { Gathered } from "./gathered.ts";
import { Progress } from "./progress.ts";

const EPOCH = 5;

function headOf(number: number, sequence: number, partition = 0): FrameHead {
  return { partition, presenceEpoch: 1, number, epoch: EPOCH, sequence };
}

function sentTo(number: number, sequence: number, partition = 0) {
  return { partition, epoch: EPOCH, sequence, open: [], number };
}

describe("progress", () => {
  let progress: Progress;

  beforeEach(() => {
    progress = new Progress();
    progress.divide(2);
  });

  it("messages - are accepted one after the other, per partition and presence epoch", () => {
    assert.equal(progress.accept(headOf(1, 1)), true);
    assert.equal(progress.accept(headOf(1, 1, 1)), true);
    assert.equal(progress.accept(headOf(3, 3)), false);
    assert.equal(progress.accept(headOf(2, 2)), true);
    progress.beginEpoch();
    assert.equal(progress.accept(headOf(3, 3)), false);
    assert.equal(progress.accept(headOf(1, 3)), true);
  });

  it("an acknowledgement - moves positions, unless a message before it was lost", () => {
    assert.equal(progress.acknowledge([sentTo(0, 7), sentTo(0, 9, 1)]), true);
    assert.equal(progress.positions.at(0)?.sequence, 7);
    assert.equal(progress.positions.isComplete, true);
    assert.equal(progress.acknowledge([sentTo(1, 8)]), false);
    assert.equal(progress.positions.at(0)?.sequence, 7);
  });

  it("an acknowledgement of less than has arrived - moves nothing back", () => {
    progress.reach({ partition: 0, epoch: EPOCH, sequence: 9 });
    progress.acknowledge([sentTo(0, 7)]);
    assert.equal(progress.positions.at(0)?.sequence, 9);
  });

  it("held positions - stay where they are", () => {
    progress.reach({ partition: 0, epoch: EPOCH, sequence: 3 });
    progress.isHeld = true;
    assert.equal(progress.acknowledge([sentTo(0, 7)]), true);
    assert.equal(progress.positions.at(0)?.sequence, 3);
  });

  it("another epoch of the history - replaces the position and ends open events", () => {
    progress.reach({ partition: 0, epoch: EPOCH, sequence: 9 });
    progress.positions.open(0, 8);
    progress.reach({ partition: 0, epoch: EPOCH + 1, sequence: 2 });
    assert.deepEqual(progress.told(), [{ partition: 0, epoch: EPOCH + 1, sequence: 2, open: [] }]);
  });

  it("a hole - ends the open events before it", () => {
    progress.reach({ partition: 0, epoch: EPOCH, sequence: 9 });
    progress.positions.open(0, 8);
    progress.positions.open(0, 12);
    progress.skip({ partition: 0, epoch: EPOCH, sequence: 10 });
    assert.deepEqual(progress.positions.at(0)?.open, [12]);
  });

  it("another division of the topics - discards positions and says so", () => {
    assert.equal(progress.divide(2), false);
    assert.equal(progress.divide(4), true);
    assert.deepEqual(progress.told(), []);
    assert.equal(new Progress().divide(4), false, "nothing was known before");
  });

  it("cursors - are later than those before, also for equal positions", () => {
    progress.acknowledge([sentTo(0, 7), sentTo(0, 9, 1)]);
    const [one, other] = [progress.cursor(), progress.cursor(1)];
    assert.ok(one < other);
    assert.equal(parseCursor(other)?.own.sequence, 9);
  });
});

describe("gathered recipients of long events", () => {
  const json = '{"id":"0-5-3","topic":"alice","time":"2026-12-01T00:00:00.000Z","data":1}';
  let progress: Progress;
  let gathered: Gathered;
  const recipients = (): number[] | undefined => {
    const event = gathered.take(0, 3);
    return event && [...event.handles].sort();
  };

  beforeEach(() => {
    progress = new Progress();
    gathered = new Gathered(progress);
    gathered.begin(0, 3, "0-5-3", json);
    gathered.add(0, 3, [1, 2, 3]);
  });

  it("parts - are gathered, each recipient once, and the event is taken once", () => {
    gathered.add(0, 3, [3, 4]);
    gathered.add(0, 9, [5]);
    assert.deepEqual(recipients(), [1, 2, 3, 4]);
    assert.equal(recipients(), undefined);
  });

  it("a released handle - is removed, because another user may get it", () => {
    gathered.release(2);
    assert.deepEqual(recipients(), [1, 3]);
  });

  it("an ended follow - removes the user from this topic's earlier events", () => {
    gathered.withdraw(0, 3, "bob", 1);
    gathered.withdraw(0, 2, "alice", 1);
    gathered.withdraw(0, 3, "alice", 2);
    gathered.withdraw(0, 3, undefined, 3);
    gathered.add(0, 3, [2, 4]);
    assert.deepEqual(recipients(), [1, 3, 4], "a later part does not bring the user back");
  });

  it("a presence epoch - forgets recipients, whose handles may name other users, and keeps the event", () => {
    progress.beginEpoch();
    gathered.add(0, 3, [7]);
    assert.deepEqual(recipients(), [7]);
  });

  it("a hole - ends the events before it", () => {
    gathered.drop(0, 2);
    gathered.begin(0, 2, "0-5-2", json);
    gathered.drop(0, 2);
    assert.equal(gathered.take(0, 2), undefined);
    assert.deepEqual(recipients(), [1, 2, 3]);
  });
});
