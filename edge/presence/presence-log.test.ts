import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseUserId } from "../../broker/contract.ts";
import { MapUserTable } from "../pool/user-table.ts";
import { PresenceLog } from "./presence-log.ts";

function started(): { presenceLog: PresenceLog; join(user: string): number; table: MapUserTable } {
  const table = new MapUserTable();
  const presenceLog = new PresenceLog(table);
  presenceLog.restart();
  return {
    presenceLog,
    table,
    join(user) {
      const handle = table.acquire(parseUserId(user));
      presenceLog.join(handle);
      return handle;
    },
  };
}

describe("presence log", () => {
  it("new epoch - is announced even without users, and is in step once acknowledged", () => {
    const { presenceLog } = started();
    assert.deepEqual(presenceLog.take(), { sequence: 1, leaves: [], joins: [], complete: true });
    assert.equal(presenceLog.take(), undefined);
    assert.equal(presenceLog.inStep, false);
    presenceLog.acknowledge(1);
    assert.equal(presenceLog.inStep, true);
  });

  it("join - is certain once its delta has been acknowledged, not earlier", () => {
    const { presenceLog, join } = started();
    presenceLog.acknowledge(presenceLog.take()?.sequence ?? 0);
    const ann = join("ann");
    assert.equal(presenceLog.isCertain(ann), false);
    presenceLog.acknowledge(1);
    const delta = presenceLog.take();
    assert.deepEqual(delta?.joins, [["ann", ann]]);
    assert.equal(presenceLog.isCertain(ann), false);
    presenceLog.acknowledge(2);
    assert.equal(presenceLog.isCertain(ann), true);
    presenceLog.acknowledge(1); // an outdated acknowledgement has no effect
    assert.equal(presenceLog.isCertain(ann), true);
  });

  it("handle - is reused only after the leave of its user was acknowledged", () => {
    const { presenceLog, join, table } = started();
    const ann = join("ann");
    presenceLog.acknowledge(presenceLog.take()?.sequence ?? 0);
    presenceLog.leave(ann);
    assert.notEqual(join("bob"), ann, "not while the leaving is untold");
    const { sequence = 0, leaves } = presenceLog.take() ?? {};
    assert.deepEqual(leaves, [ann]);
    assert.notEqual(join("carl"), ann, "not while frames may be on their way");
    presenceLog.acknowledge(sequence);
    assert.equal(table.nameOf(ann), undefined);
    assert.equal(join("dora"), ann);
  });

  it("user who leaves and returns - causes no news if unannounced, otherwise a join with the same handle", () => {
    const { presenceLog, join, table } = started();
    const ann = join("ann");
    presenceLog.acknowledge(presenceLog.take()?.sequence ?? 0);
    presenceLog.leave(ann);
    join("ann");
    assert.deepEqual([presenceLog.take()?.leaves, presenceLog.isCertain(ann)], [[], true]);
    presenceLog.leave(ann);
    const left = presenceLog.take()?.sequence ?? 0;
    assert.equal(join("ann"), ann);
    assert.equal(presenceLog.isCertain(ann), false);
    const back = presenceLog.take();
    assert.deepEqual(back?.joins, [["ann", ann]]);
    presenceLog.acknowledge(left);
    assert.equal(table.nameOf(ann), "ann", "the old leaving releases nothing");
    presenceLog.acknowledge(back?.sequence ?? 0);
    assert.equal(presenceLog.isCertain(ann), true);
  });

  it("user who joins and leaves unannounced - causes no news, and the handle is free", () => {
    const { presenceLog, join, table } = started();
    presenceLog.take();
    const ann = join("ann");
    presenceLog.leave(ann);
    assert.equal(table.size, 0);
    assert.deepEqual(presenceLog.take()?.joins, []);
  });

  it("small max_payload - bounds every delta, even with the longest names and largest handles, and each user is named once", () => {
    const { presenceLog, table } = started();
    const users = Array.from({ length: 1_500 }, (_, n) => String(n).padEnd(64, "u"));
    for (const user of users) presenceLog.join(table.acquire(parseUserId(user)));
    for (const maxBytes of [16_384, 65_536]) {
      presenceLog.restart(0xffff_fff0);
      const told: string[] = [];
      let deltas = 0;
      for (let delta = presenceLog.take(maxBytes); delta !== undefined; delta = presenceLog.take(maxBytes)) {
        const message = { type: "delta", mode: "frames", epoch: presenceLog.epoch, ...delta };
        assert.ok(JSON.stringify(message).length <= maxBytes);
        assert.equal(delta.complete, told.length + delta.joins.length === users.length);
        told.push(...delta.joins.map(([user]) => user));
        deltas += 1;
      }
      assert.deepEqual(told, users);
      assert.ok(deltas <= Math.ceil((1_500 * 80 * 2) / maxBytes) + 1, `${deltas} deltas`);
    }
    presenceLog.acknowledge(presenceLog.sequence);
    for (let handle = 0; handle < users.length; handle += 1) presenceLog.leave(handle);
    const left: number[] = [];
    for (let delta = presenceLog.take(1_024); delta !== undefined; delta = presenceLog.take(1_024)) {
      assert.ok(
        JSON.stringify({ type: "delta", mode: "frames", epoch: presenceLog.epoch, ...delta }).length <= 1_024,
      );
      left.push(...delta.leaves);
    }
    assert.deepEqual(left, Array.from(users.keys()));
  });

  it("new epoch - announces all users in parts, is complete with the last, and voids earlier acknowledgements", () => {
    const { presenceLog, join, table } = started();
    for (let user = 0; user < 9_000; user += 1) join(String(user));
    while (presenceLog.hasNews) presenceLog.take();
    presenceLog.acknowledge(presenceLog.sequence);
    presenceLog.leave(0);
    presenceLog.restart();
    assert.equal(table.nameOf(0), undefined, "no frame of this epoch can name who left before it");
    assert.equal(presenceLog.isCertain(5), false);
    const parts = [];
    for (let delta = presenceLog.take(); delta !== undefined; delta = presenceLog.take()) parts.push(delta);
    assert.deepEqual(
      parts.map(({ sequence, joins, complete }) => [sequence, joins.length, complete]),
      [
        [1, 4_000, false],
        [2, 4_000, false],
        [3, 999, true],
      ],
    );
    presenceLog.acknowledge(2);
    assert.equal(presenceLog.inStep, false);
    presenceLog.acknowledge(3);
    assert.equal(presenceLog.inStep, true);
  });

  it("10,000 random changes with late acknowledgements - leave the other side with exactly the state that the log assumes", () => {
    const { presenceLog, table } = started();
    let seed = 42;
    const below = (max: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return (seed >>> 8) % max;
    };
    const here = new Set<string>();
    const graph = new Map<number, string>();
    const onTheirWay: number[] = [];
    for (let step = 0; step < 10_000; step += 1) {
      const user = `u${below(40)}`;
      const action = below(10);
      if (action < 4 && !here.has(user)) {
        here.add(user);
        presenceLog.join(table.acquire(parseUserId(user)));
      } else if (action < 7 && here.delete(user)) presenceLog.leave(table.find(parseUserId(user)));
      else if (action === 7) {
        const delta = presenceLog.take();
        if (delta === undefined) continue;
        for (const handle of delta.leaves) assert.ok(graph.delete(handle));
        for (const [name, handle] of delta.joins) {
          assert.equal(graph.get(handle), undefined, "a handle is never two users at once");
          graph.set(handle, name);
        }
        onTheirWay.push(delta.sequence);
      } else if (action === 8) presenceLog.acknowledge(onTheirWay.shift() ?? 0);
      for (const [handle, name] of graph)
        assert.equal(table.nameOf(handle), name, "what the graph may name keeps its name");
    }
    while (presenceLog.hasNews) {
      const delta = presenceLog.take();
      for (const handle of delta?.leaves ?? []) graph.delete(handle);
      for (const [name, handle] of delta?.joins ?? []) graph.set(handle, name);
    }
    presenceLog.acknowledge(presenceLog.sequence);
    assert.deepEqual(new Set(graph.values()), here);
    assert.equal(table.size, here.size);
  });
});
