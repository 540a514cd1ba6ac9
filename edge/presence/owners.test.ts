import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Owners } from "./owners.ts";

const A = { graph: 1, partitions: [0, 1], of: 4 };
const B = { graph: 2, partitions: [2, 3], of: 4 };

function beats(owners: Owners, count: number, answering: readonly (typeof A)[], sequence: number): void {
  for (let beat = 0; beat < count; beat += 1) {
    owners.beat();
    for (const owner of answering) owners.acknowledge(owner, sequence);
  }
}

describe("owners of partitions", () => {
  it("several services - have acknowledged what the slowest has, or nothing while a partition has no owner", () => {
    const owners = new Owners();
    assert.equal(owners.acknowledged, 0);
    owners.acknowledge(A, 5);
    assert.equal(owners.acknowledged, 0, "partitions 2 and 3 have no owner");
    owners.acknowledge(B, 3);
    assert.equal(owners.acknowledged, 3);
    owners.acknowledge(B, 7);
    assert.equal(owners.acknowledged, 5);
    owners.acknowledge(A, 4); // an outdated acknowledgement has no effect
    assert.equal(owners.acknowledged, 5);
    owners.restart();
    assert.equal(owners.acknowledged, 0);
  });

  it("start of a service - is known until another start claims one of its partitions", () => {
    const owners = new Owners();
    assert.equal(owners.knows(A), false);
    owners.take(A);
    assert.equal(owners.knows(A), true);
    assert.equal(owners.knows({ ...A, graph: 3 }), false);
    owners.take({ graph: 3, partitions: [1], of: 4 });
    assert.equal(owners.knows(A), false, "1 has moved");
    assert.equal(owners.knows({ ...A, partitions: [0] }), true);
  });

  it("owner that is silent while others reply - is lost, and its return requires a new epoch", () => {
    const owners = new Owners();
    owners.acknowledge(A, 1);
    owners.acknowledge(B, 1);
    beats(owners, 5, [A], 9);
    assert.deepEqual([owners.lost, owners.acknowledged], [0, 1], "not yet");
    beats(owners, 1, [A], 9);
    assert.deepEqual([owners.lost, owners.acknowledged], [2, 9]);
    assert.deepEqual(
      [1, 2].map((partition) => owners.isLost(partition)),
      [false, true],
    );
    owners.restart();
    assert.equal(owners.lost, 2, "a new epoch does not bring it back");
    assert.equal(owners.acknowledge(B, 1), "lost");
    assert.equal(owners.knows(B), false);
    owners.take(B);
    assert.deepEqual([owners.lost, owners.acknowledge(B, 1)], [0, "heard"]);
  });

  it("silence of all owners, or of the network - loses none of them", () => {
    const owners = new Owners();
    owners.acknowledge(A, 1);
    owners.acknowledge(B, 1);
    beats(owners, 20, [], 0);
    assert.equal(owners.lost, 0);
    assert.equal(owners.acknowledge(A, 2), "heard");
    owners.forgive();
    beats(owners, 5, [A], 2);
    assert.equal(owners.lost, 0);
  });

  it("another number of partitions - discards all entries, and partitions beyond it are ignored", () => {
    const owners = new Owners();
    owners.acknowledge(A, 1);
    const whole = { graph: 4, partitions: [0, 9], of: 1 };
    assert.equal(owners.acknowledge(whole, 1), "foreign");
    owners.take(whole);
    assert.equal(owners.acknowledge(whole, 6), "heard");
    assert.equal(owners.acknowledged, 6);
  });
});
