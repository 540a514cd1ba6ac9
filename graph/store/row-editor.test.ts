import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Random } from "../random.ts";
import { lowerBound, SortedIds, union } from "./ids.ts";
import { MAX_CHUNK_IDS } from "./row.ts";
import { RowEditor } from "./row-editor.ts";
import { countRow, readRow } from "./row-reader.ts";
import { VarintReader, writeVarint } from "./varint.ts";

/** The simplest possible database, which stores what the editor returns. */
class Rows {
  readonly stored = new Map<string, Uint8Array>();
  readonly read = (key: string): Uint8Array | undefined => this.stored.get(key);

  edit(key: string, change: (editor: RowEditor) => void): number {
    const editor = new RowEditor(key, this.read);
    change(editor);
    const operations = editor.operations();
    for (const operation of operations) {
      if (operation.type === "put") this.stored.set(operation.key, operation.value);
      else this.stored.delete(operation.key);
    }
    return operations.reduce(
      (sum, operation) => sum + (operation.type === "put" ? operation.value.length : 0),
      0,
    );
  }

  all(key: string): number[] {
    return [...readRow(this.read, key)].flatMap((ids) => [...ids]);
  }
}

describe("ids", () => {
  it("varints - numbers of every size are read back", () => {
    const bytes = new Uint8Array(8);
    for (const value of [0, 1, 127, 128, 16_383, 16_384, 2 ** 21, 2 ** 28, 2 ** 31, 2 ** 32 - 1]) {
      const end = writeVarint(bytes, 0, value);
      assert.equal(new VarintReader(bytes.subarray(0, end), 0).next(), value);
    }
  });

  it("varints - a truncated row is an error, not zero", () => {
    assert.throws(() => new VarintReader(Uint8Array.of(0x80, 0x80), 0).next(), { code: "GRAPH_DAMAGED" });
    assert.throws(() => new VarintReader(Uint8Array.of(), 0).next(), { code: "GRAPH_DAMAGED" });
  });

  it("SortedIds - remains a sorted set", () => {
    const ids = new SortedIds();
    for (const id of [5, 1, 2 ** 32 - 1, 3, 1, 0]) ids.add(id);
    assert.deepEqual([...ids.values], [0, 1, 3, 5, 2 ** 32 - 1]);
    assert.equal(ids.add(3), false);
    assert.equal(ids.remove(4), false);
    assert.equal(ids.remove(0), true);
    assert.deepEqual([...ids.values], [1, 3, 5, 2 ** 32 - 1]);
  });

  it("union and lowerBound - handle borders", () => {
    assert.deepEqual([...union(Uint32Array.of(1, 3), Uint32Array.of(1, 2, 9))], [1, 2, 3, 9]);
    assert.deepEqual([...union(Uint32Array.of(), Uint32Array.of())], []);
    assert.deepEqual(
      [0, 1, 2, 3, 4].map((id) => lowerBound(Uint32Array.of(1, 3), id)),
      [0, 0, 1, 1, 2],
    );
  });
});

describe("rows", () => {
  it("random changes - leave the row equal to a Set, at every size", () => {
    const random = new Random(7);
    const rows = new Rows();
    const model = new Set<number>();
    // the row grows beyond several chunks, then shrinks to nothing
    for (let round = 0; round < 120; round += 1) {
      const growing = round < 60;
      rows.edit("f1", (editor) => {
        for (let i = 0; i < 1_000; i += 1) {
          const id = random.below(60_000);
          const adds = growing ? random.below(10) < 8 : random.below(10) < 1;
          const expected = adds ? !model.has(id) : model.has(id);
          assert.equal(adds ? editor.add(id) : editor.remove(id), expected);
          if (adds) model.add(id);
          else model.delete(id);
        }
      });
      assert.equal(countRow(rows.read, "f1"), model.size);
    }
    assert.ok(model.size > 0);
    assert.deepEqual(
      rows.all("f1"),
      [...model].sort((a, b) => a - b),
    );
    rows.edit("f1", (editor) => {
      for (const id of model) editor.remove(id);
    });
    assert.equal(rows.stored.size, 0, "an empty row leaves neither its key nor its chunks behind");
  });

  it("long rows - are chunked, and one change rewrites one chunk", () => {
    const rows = new Rows();
    const many = Uint32Array.from({ length: 100_000 }, (_, index) => index * 3);
    rows.edit("f1", (editor) => assert.equal(editor.addAll(many), many.length));
    assert.ok(rows.stored.size > many.length / MAX_CHUNK_IDS);
    for (const ids of readRow(rows.read, "f1")) assert.ok(ids.length <= MAX_CHUNK_IDS);
    assert.deepEqual(rows.all("f1"), [...many]);
    const written = rows.edit("f1", (editor) => assert.ok(editor.add(150_001)));
    assert.ok(written < 20_000, `${written} bytes written`);
    assert.equal(
      rows.edit("f1", (editor) => assert.equal(editor.add(150_001), false)),
      0,
    );
  });

  it("long rows - become a single key when they shrink", () => {
    const rows = new Rows();
    rows.edit("f1", (editor) => editor.addAll(Uint32Array.from({ length: 20_000 }, (_, index) => index)));
    assert.ok(rows.stored.size > 1);
    rows.edit("f1", (editor) => {
      for (let id = 100; id < 20_000; id += 1) editor.remove(id);
    });
    assert.equal(rows.stored.size, 1);
    assert.equal(rows.all("f1").length, 100);
  });

  it("after - begins with the next id, in any chunk, whether or not the row contains the given one", () => {
    const rows = new Rows();
    rows.edit("f1", (editor) => editor.addAll(Uint32Array.from({ length: 30_000 }, (_, index) => index * 2)));
    for (const after of [0, 1, 8_191, 16_384, 40_001, 59_998, 60_000]) {
      const [first] = [...readRow(rows.read, "f1", after)].flatMap((ids) => [...ids]);
      const expected = 2 * Math.floor(after / 2) + 2;
      assert.equal(first, expected > 59_998 ? undefined : expected, `after ${after}`);
    }
  });

  it("damage - a missing chunk and an unknown first byte are errors, not empty rows", () => {
    const rows = new Rows();
    rows.edit("f1", (editor) => editor.addAll(Uint32Array.from({ length: 30_000 }, (_, index) => index)));
    const [chunk = ""] = [...rows.stored.keys()].filter((key) => key.includes("/"));
    rows.stored.delete(chunk);
    assert.throws(() => rows.all("f1"), { code: "GRAPH_DAMAGED" });
    rows.stored.set("f2", Uint8Array.of(9, 1, 1));
    assert.throws(() => rows.all("f2"), { code: "GRAPH_DAMAGED" });
  });
});
