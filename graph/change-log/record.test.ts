import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CHANGE_KINDS } from "../store/changes.ts";
import { divideChanges } from "./divide-changes.ts";
import {
  decodeRecord,
  encodeRecord,
  type LogEntry,
  type NamedChange,
  readRecordId,
  recordId,
} from "./record.ts";

const WRITER = "00ff10a5deadbeef";
const LARGE = 2 ** 40;

const entries: readonly LogEntry[] = [
  { kind: "changes", changes: CHANGE_KINDS.map((kind) => ({ kind, user: "alice", topic: "photo.789.a.b" })) },
  { kind: "changes", changes: [] },
  { kind: "layout", partition: 0, of: 1, base: "empty" },
  { kind: "layout", partition: 15, of: 16, base: "rows" },
  { kind: "term", term: LARGE, leader: "graph-1 in Zürich" },
  { kind: "epoch", epoch: 3, from: LARGE },
];
const records = entries.map((entry, index) => ({
  id: recordId(WRITER, index * 800_000_000),
  timeMs: LARGE + index,
  entry,
}));

/** Returns distinct follows of one topic. */
function follows(count: number, topic = "rj"): NamedChange[] {
  return Array.from({ length: count }, (_, index) => ({ kind: "subscribe", user: `u${index}`, topic }));
}

describe("record of the change log", () => {
  it("every kind - is decoded as it was encoded", () => {
    for (const record of records) {
      const bytes = encodeRecord(record);
      assert.deepEqual(decodeRecord(bytes), record);
      assert.equal(readRecordId(bytes), record.id);
    }
  });

  it("bytes of a stored record - stay as they are", () => {
    const [, , layout] = records;
    assert.ok(layout);
    assert.equal(
      Buffer.from(encodeRecord({ ...layout, timeMs: 0 })).toString("hex"),
      "010200ff10a5deadbeef80a0f8fa05" + "0000000000000000" + "000101",
    );
  });

  it("cut, longer or unknown records - are refused", () => {
    for (const record of records) {
      const bytes = encodeRecord(record);
      const attempts = Array.from({ length: bytes.length }, (_, end) => bytes.slice(0, end));
      for (const bad of [...attempts, Uint8Array.of(...bytes, 0)])
        assert.throws(() => decodeRecord(bad), { code: "GRAPH_LOG_UNREADABLE" });
    }
    const later = encodeRecord(records[0] as (typeof records)[0]);
    for (const [at, value] of [
      [0, 2],
      [1, 5],
      [1, 0],
    ] as const) {
      const bad = later.slice();
      bad[at] = value;
      assert.throws(() => decodeRecord(bad), { code: "GRAPH_LOG_UNREADABLE", message: /newest release/ });
    }
  });

  it("flipped bits - are decoded to something or refused, and never crash otherwise", () => {
    for (const record of records) {
      const bytes = encodeRecord(record);
      for (let bit = 0; bit < bytes.length * 8; bit += 1) {
        const bad = bytes.slice();
        bad[bit >>> 3] = (bad[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
        try {
          decodeRecord(bad);
        } catch (error) {
          assert.equal((error as { code?: string }).code, "GRAPH_LOG_UNREADABLE", String(error));
        }
      }
    }
  });

  it("division - keeps the order, at most 1,000 changes, and the maximum length", () => {
    const names = "x".repeat(60);
    const changes = [...follows(2_500), ...follows(50, `a.${names}.${names}.b`)];
    for (const maxBytes of [1_000_000, 16_384, 1_000]) {
      const parts = divideChanges(changes, maxBytes);
      assert.deepEqual(parts.flat(), changes);
      for (const part of parts) {
        assert.ok(part.length <= 1_000);
        const record = {
          id: recordId(WRITER, 2 ** 32 - 1),
          timeMs: 1,
          entry: { kind: "changes", changes: part },
        };
        assert.ok(encodeRecord(record as (typeof records)[0]).length <= maxBytes);
      }
    }
    assert.deepEqual(divideChanges([], 1_000), []);
    assert.equal(divideChanges(follows(1_000), 1_000_000).length, 1);
  });
});
