import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  cursorOfEvent,
  formatEventId,
  MAX_CURSOR_BYTES,
  parseCursor,
  parseEventId,
  parsePositions,
  START_CURSOR,
  StreamPosition,
} from "./cursor.ts";

describe("event ids", () => {
  it("event ids - contain partition, epoch and sequence, and parse back", () => {
    const at = { partition: 3, epoch: Date.UTC(2026, 10, 21) };
    const first = parseEventId(formatEventId({ ...at, sequence: 1 }));
    const second = parseEventId(formatEventId({ ...at, sequence: 2 }));
    assert.deepEqual(first, { partition: 3, epoch: Date.UTC(2026, 10, 21), sequence: 1 });
    assert.equal(second?.sequence, 2);
  });

  it("event ids - are unique across partitions, epochs and events", () => {
    const minted = new Set<string>();
    for (const partition of [0, 1, 35, 36]) {
      for (const epoch of [1, 2, 36]) {
        for (let sequence = 1; sequence <= 1_000; sequence += 1)
          minted.add(formatEventId({ partition, epoch, sequence }));
      }
    }
    assert.equal(minted.size, 4 * 3 * 1_000);
  });

  it("parseEventId - returns undefined for text that was never issued", () => {
    const hostile = [
      "",
      "1",
      "1-2",
      "1-2-3-4",
      "A-1-1",
      "1-1-",
      "-1-1-1",
      "1-1-1\n",
      "1-1-zzzzzzzzzzzz",
      "1-zzzzzzzzzzz-1",
      "é-1-1",
    ];
    for (const text of hostile) assert.equal(parseEventId(text), undefined, text);
  });
});

describe("cursors", () => {
  it("cursor - changes with every event, and is equal for equal positions", () => {
    const position = new StreamPosition();
    assert.equal(position.cursor, "0");
    const at = { partition: 0, epoch: 5, sequence: 1 };
    const first = position.advance(at);
    assert.equal(position.cursor, first);
    assert.notEqual(position.advance({ ...at, sequence: 2 }), first);
  });

  it("cursor - includes every partition, in any order", () => {
    const position = new StreamPosition();
    position.advance({ partition: 0, epoch: 1, sequence: 7 });
    const cursor = position.advance({ partition: 1, epoch: 1, sequence: 3 });
    assert.deepEqual(parsePositions(cursor), [
      { partition: 0, epoch: 1, sequence: 7 },
      { partition: 1, epoch: 1, sequence: 3 },
    ]);
  });

  it("cursor - keeps to its maximum size with a thousand partitions, and retains the newest", () => {
    const position = new StreamPosition();
    let cursor = "";
    for (let partition = 0; partition < 1_000; partition += 1) {
      cursor = position.advance({ partition, epoch: Date.UTC(2026, 1), sequence: partition });
      assert.ok(cursor.length <= MAX_CURSOR_BYTES);
      assert.match(cursor, /^[0-9a-z.~]+$/);
    }
    assert.ok(
      cursor.endsWith(`${(999).toString(36)}.${Date.UTC(2026, 1).toString(36)}.${(999).toString(36)}`),
    );
  });

  it("cursorOfEvent - equals the cursor after the event's position", () => {
    const position = new StreamPosition();
    for (const partition of [2, 0, 1, 0, 2]) {
      for (let sequence = 1; sequence <= 40; sequence += 1) {
        const id = formatEventId({ partition, epoch: 1_800_000_000_000, sequence });
        const at = parseEventId(id);
        assert.ok(at !== undefined);
        const cursor = cursorOfEvent(position.before(partition), id);
        assert.equal(position.advance(at), cursor);
      }
    }
  });

  it("parseCursor - accepts every cursor that was written", () => {
    const position = new StreamPosition();
    assert.equal(parseCursor(position.cursor), START_CURSOR);
    for (let partition = 0; partition < 40; partition += 1) {
      const cursor = position.advance({ partition, epoch: Date.UTC(2026, 1), sequence: 1e12 + partition });
      assert.equal(parseCursor(cursor), cursor);
    }
  });

  it("parseCursor - returns undefined for anything else, so that nothing foreign reaches a stream", () => {
    const foreign = [
      "",
      "00",
      "-1",
      "now",
      "0.1",
      "0.1.1.1",
      "0-1-1",
      "0.1-1",
      "00.1.1",
      "0.1.1~",
      "0.1.1~0.1.2",
      "0.1.1\n",
      "0.1.1\ndata: x",
      "0.1.1\r\n\r\n",
      "0.1.1\u2028",
      "0.zzzzzzzzzzz.1",
      "zzzzzzzzzzz.1.1",
      "0.1.1, 0.1.1",
      `0.1.${"1".repeat(300)}`,
    ];
    for (const text of foreign) assert.equal(parseCursor(text), undefined, JSON.stringify(text));
  });
});
