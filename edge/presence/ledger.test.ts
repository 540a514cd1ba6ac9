import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseUserId } from "../../broker/contract.ts";
import { MapUserTable } from "../pool/user-table.ts";
import { Ledger } from "./ledger.ts";

function started(): { ledger: Ledger; join(user: string): number; table: MapUserTable } {
  const table = new MapUserTable();
  const ledger = new Ledger(table);
  ledger.restart();
  return {
    ledger,
    table,
    join(user) {
      const handle = table.acquire(parseUserId(user));
      ledger.join(handle);
      return handle;
    },
  };
}

describe("what the graph knows of who is here", () => {
  it("a new epoch - is told even when nobody is here, and is in step once acknowledged", () => {
    const { ledger } = started();
    assert.deepEqual(ledger.take(), { sequence: 1, leaves: [], joins: [], complete: true });
    assert.equal(ledger.take(), undefined);
    assert.equal(ledger.inStep, false);
    ledger.acknowledge(1);
    assert.equal(ledger.inStep, true);
  });

  it("a join - is certain when its delta has been acknowledged, not before", () => {
    const { ledger, join } = started();
    ledger.acknowledge(ledger.take()?.sequence ?? 0);
    const ann = join("ann");
    assert.equal(ledger.isCertain(ann), false);
    ledger.acknowledge(1);
    const delta = ledger.take();
    assert.deepEqual(delta?.joins, [["ann", ann]]);
    assert.equal(ledger.isCertain(ann), false);
    ledger.acknowledge(2);
    assert.equal(ledger.isCertain(ann), true);
    ledger.acknowledge(1); // an old answer takes nothing back
    assert.equal(ledger.isCertain(ann), true);
  });

  it("a handle - means somebody else only after its user's leaving was acknowledged", () => {
    const { ledger, join, table } = started();
    const ann = join("ann");
    ledger.acknowledge(ledger.take()?.sequence ?? 0);
    ledger.leave(ann);
    assert.notEqual(join("bob"), ann, "not while the leaving is untold");
    const { sequence = 0, leaves } = ledger.take() ?? {};
    assert.deepEqual(leaves, [ann]);
    assert.notEqual(join("carl"), ann, "not while frames may be on their way");
    ledger.acknowledge(sequence);
    assert.equal(table.nameOf(ann), undefined);
    assert.equal(join("dora"), ann);
  });

  it("gone and back - before it was told: no news; after: told again under the same handle", () => {
    const { ledger, join, table } = started();
    const ann = join("ann");
    ledger.acknowledge(ledger.take()?.sequence ?? 0);
    ledger.leave(ann);
    join("ann");
    assert.deepEqual([ledger.take()?.leaves, ledger.isCertain(ann)], [[], true]);
    ledger.leave(ann);
    const left = ledger.take()?.sequence ?? 0;
    assert.equal(join("ann"), ann);
    assert.equal(ledger.isCertain(ann), false);
    const back = ledger.take();
    assert.deepEqual(back?.joins, [["ann", ann]]);
    ledger.acknowledge(left);
    assert.equal(table.nameOf(ann), "ann", "the old leaving releases nothing");
    ledger.acknowledge(back?.sequence ?? 0);
    assert.equal(ledger.isCertain(ann), true);
  });

  it("come and gone before it was told - nobody hears of it, and the handle is free", () => {
    const { ledger, join, table } = started();
    ledger.take();
    const ann = join("ann");
    ledger.leave(ann);
    assert.equal(table.size, 0);
    assert.deepEqual(ledger.take()?.joins, []);
  });

  it("a small max_payload - deltas stay below it, with the longest names and the largest handles, and name every user once", () => {
    const { ledger, table } = started();
    const users = Array.from({ length: 1_500 }, (_, n) => String(n).padEnd(64, "u"));
    for (const user of users) ledger.join(table.acquire(parseUserId(user)));
    for (const maxBytes of [16_384, 65_536]) {
      ledger.restart(0xffff_fff0);
      const told: string[] = [];
      let deltas = 0;
      for (let delta = ledger.take(maxBytes); delta !== undefined; delta = ledger.take(maxBytes)) {
        const message = { type: "delta", mode: "gateway", epoch: ledger.epoch, ...delta };
        assert.ok(JSON.stringify(message).length <= maxBytes);
        assert.equal(delta.complete, told.length + delta.joins.length === users.length);
        told.push(...delta.joins.map(([user]) => user));
        deltas += 1;
      }
      assert.deepEqual(told, users);
      assert.ok(deltas <= Math.ceil((1_500 * 80 * 2) / maxBytes) + 1, `${deltas} deltas`);
    }
    ledger.acknowledge(ledger.sequence);
    for (let handle = 0; handle < users.length; handle += 1) ledger.leave(handle);
    const left: number[] = [];
    for (let delta = ledger.take(1_024); delta !== undefined; delta = ledger.take(1_024)) {
      assert.ok(
        JSON.stringify({ type: "delta", mode: "gateway", epoch: ledger.epoch, ...delta }).length <= 1_024,
      );
      left.push(...delta.leaves);
    }
    assert.deepEqual(left, Array.from(users.keys()));
  });

  it("a new epoch - tells everybody again in parts, is complete with the last, and voids what was acknowledged", () => {
    const { ledger, join, table } = started();
    for (let user = 0; user < 9_000; user += 1) join(String(user));
    while (ledger.hasNews) ledger.take();
    ledger.acknowledge(ledger.sequence);
    ledger.leave(0);
    ledger.restart();
    assert.equal(table.nameOf(0), undefined, "no frame of this epoch can name who left before it");
    assert.equal(ledger.isCertain(5), false);
    const parts = [];
    for (let delta = ledger.take(); delta !== undefined; delta = ledger.take()) parts.push(delta);
    assert.deepEqual(
      parts.map(({ sequence, joins, complete }) => [sequence, joins.length, complete]),
      [
        [1, 4_000, false],
        [2, 4_000, false],
        [3, 999, true],
      ],
    );
    ledger.acknowledge(2);
    assert.equal(ledger.inStep, false);
    ledger.acknowledge(3);
    assert.equal(ledger.inStep, true);
  });

  it("10,000 random comings and goings with late answers - the other side always knows what we think it knows", () => {
    const { ledger, table } = started();
    let seed = 42;
    const below = (most: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return (seed >>> 8) % most;
    };
    const here = new Set<string>();
    const graph = new Map<number, string>();
    const onTheirWay: number[] = [];
    for (let step = 0; step < 10_000; step += 1) {
      const user = `u${below(40)}`;
      const action = below(10);
      if (action < 4 && !here.has(user)) {
        here.add(user);
        ledger.join(table.acquire(parseUserId(user)));
      } else if (action < 7 && here.delete(user)) ledger.leave(table.find(parseUserId(user)));
      else if (action === 7) {
        const delta = ledger.take();
        if (delta === undefined) continue;
        for (const handle of delta.leaves) assert.ok(graph.delete(handle));
        for (const [name, handle] of delta.joins) {
          assert.equal(graph.get(handle), undefined, "a handle is never two users at once");
          graph.set(handle, name);
        }
        onTheirWay.push(delta.sequence);
      } else if (action === 8) ledger.acknowledge(onTheirWay.shift() ?? 0);
      for (const [handle, name] of graph)
        assert.equal(table.nameOf(handle), name, "what the graph may name keeps its name");
    }
    while (ledger.hasNews) {
      const delta = ledger.take();
      for (const handle of delta?.leaves ?? []) graph.delete(handle);
      for (const [name, handle] of delta?.joins ?? []) graph.set(handle, name);
    }
    ledger.acknowledge(ledger.sequence);
    assert.deepEqual(new Set(graph.values()), here);
    assert.equal(table.size, here.size);
  });
});
