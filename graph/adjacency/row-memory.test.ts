import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Random } from "../random.ts";
import { encodeInline } from "../store/row.ts";
import { RowMemory } from "./row-memory.ts";

const MIB = 1_048_576;
const scratch = new Uint32Array(8_192);
const rowOf = (ids: readonly number[]): Uint8Array => encodeInline(Uint32Array.from(ids)).subarray(1);
const read = (memory: RowMemory, id: number): number[] | undefined => {
  const count = memory.read(id, scratch);
  return count === undefined ? undefined : [...scratch.subarray(0, count)];
};

describe("row memory", () => {
  it("random changes - leave it equal to a Map, for all 32-bit ids, in bounded memory", () => {
    const random = new Random(1);
    const memory = new RowMemory(8 * MIB);
    const expected = new Map<number, number[]>();
    const ids = Array.from({ length: 400 }, (_, index) => (index % 2 === 0 ? index : random.next()));
    for (let change = 0; change < 30_000; change += 1) {
      const id = ids[random.below(ids.length)] as number;
      if (random.below(10) === 0) {
        memory.delete(id);
        expected.delete(id);
        continue;
      }
      const first = random.next() % 0x7fff_0000;
      const row = Array.from({ length: random.below(400) }, (_, index) => first + index * 300);
      assert.equal(memory.set(id, rowOf(row)), true, "400 rows of 800 bytes and their garbage fit");
      expected.set(id, row);
    }
    assert.equal(memory.size, expected.size);
    for (const id of ids) assert.deepEqual(read(memory, id), expected.get(id), `row ${id}`);
    assert.ok(memory.bytes <= 8 * MIB, `${memory.bytes} bytes`);
  });

  it("no space - drops the row and its previous value, and keeps the others", () => {
    const memory = new RowMemory(2 * MIB);
    const row = Array.from({ length: 8_192 }, (_, index) => index);
    let held = 0;
    while (memory.set(held, rowOf(row))) held += 1;
    assert.ok(held > 200, `${held} rows of 8 KB in 2 MiB`);
    assert.equal(read(memory, held), undefined);
    const longer = row.map((id) => id * 70_000);
    assert.equal(memory.set(0, rowOf(longer)), false);
    assert.equal(read(memory, 0), undefined);
    assert.deepEqual(read(memory, held - 1), row);
    assert.ok(memory.bytes <= 2 * MIB);
  });

  it("deleting everything repeatedly - reuses the same memory", () => {
    const memory = new RowMemory(64 * MIB);
    const row = rowOf(Array.from({ length: 1_000 }, (_, index) => index * 5));
    let max = 0;
    for (let round = 0; round < 20; round += 1) {
      for (let id = 0; id < 3_000; id += 1) memory.set(id, row);
      max = round === 0 ? memory.bytes : max;
      for (let id = 0; id < 3_000; id += 1) memory.delete(id);
    }
    assert.equal(memory.size, 0);
    assert.ok(memory.bytes <= max + 3 * MIB, `${memory.bytes} bytes after ${max}`);
  });
});
