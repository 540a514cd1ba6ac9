import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cursorOfEvent, formatEventId, MAX_CURSOR_BYTES, parseCursor, parseEventId } from "./cursor.ts";
import { CursorClock } from "./cursor-clock.ts";
import { type Position, Positions } from "./positions.ts";

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

const EPOCH = 1_736_000_000;
const at = (sequence: number, open: readonly number[] = []): Position => ({ epoch: EPOCH, sequence, open });
const resolved = (positions: Positions, text: string): Positions => {
  const cursor = parseCursor(text);
  const found = cursor && positions.resolve(cursor);
  assert.ok(found !== undefined, text);
  return found;
};
const listed = (positions: Positions): (Position | undefined)[] =>
  Array.from({ length: positions.of }, (_, partition) => positions.at(partition));

describe("cursors", () => {
  it("an undivided graph - a cursor names the position and parses back", () => {
    const positions = new Positions([at(41)]);
    const text = positions.cursor(7);
    assert.match(text, /^[-0-9A-Z_a-z]{9}~0\.[0-9a-z]+\.15$/);
    assert.deepEqual(listed(resolved(positions, text)), [at(41)]);
  });

  it("open events - are part of the cursor, in every partition", () => {
    const positions = new Positions([at(41, [12, 40]), at(7), at(1e9, [3])]);
    assert.deepEqual(listed(resolved(positions, positions.cursor(7, 1))), listed(positions));
    const undivided = new Positions([at(41, [40])]);
    assert.deepEqual(listed(resolved(undivided, undivided.cursor(7))), listed(undivided));
  });

  it("the cursor of an event in a frame - is that of its position", () => {
    const positions = new Positions([at(5), at(9), at(1, [1])]);
    const others = positions.othersText(1);
    for (let sequence = 10; sequence < 60; sequence += 1) {
      positions.advance(1, sequence);
      const id = formatEventId({ partition: 1, epoch: EPOCH, sequence });
      assert.equal(cursorOfEvent(sequence, others, id), positions.cursor(sequence, 1));
    }
  });

  it("cursors - sort as text in the order of their stamps, and are one token for URLs", () => {
    const positions = new Positions(Array.from({ length: 16 }, (_, partition) => at(2 ** partition)));
    const stamps = [0, 1, 63, 64, 4_095, 4_096, 2 ** 32, 2 ** 52, Number.MAX_SAFE_INTEGER];
    const texts = stamps.map((stamp, index) => positions.cursor(stamp, index));
    assert.deepEqual([...texts].sort(), texts);
    for (const [index, text] of texts.entries()) {
      assert.match(text, /^[-0-9A-Z_a-z.~]+$/);
      assert.equal(parseCursor(text)?.stamp, stamps[index]);
    }
  });

  it("32 partitions with long sequences - fit; open events that do not fit lower their positions", () => {
    const plain = new Positions(Array.from({ length: 32 }, () => at(2 ** 34)));
    const text = plain.cursor(Number.MAX_SAFE_INTEGER, 31);
    assert.ok(text.length <= MAX_CURSOR_BYTES, String(text.length));
    assert.deepEqual(listed(resolved(plain, text)), listed(plain));
    const busy = new Positions(Array.from({ length: 32 }, () => at(2 ** 29, [2 ** 28, 2 ** 28 + 1])));
    const lowered = busy.cursor(1, 0);
    assert.ok(lowered.length <= MAX_CURSOR_BYTES);
    const found = resolved(busy, lowered);
    assert.deepEqual(found.at(0), busy.at(0));
    assert.deepEqual(found.at(5), at(2 ** 28 - 1));
  });

  it("more partitions than fit - the cursor parses and is of no known position", () => {
    const many = new Positions(Array.from({ length: 33 }, () => at(1)));
    const cursor = parseCursor(many.cursor(1, 0));
    assert.ok(cursor !== undefined);
    assert.equal(many.resolve(cursor), undefined);
  });

  it("another history or division - does not resolve", () => {
    const positions = new Positions([at(5), at(9)]);
    const cursor = parseCursor(positions.cursor(1, 0));
    assert.ok(cursor !== undefined);
    const others = [
      [at(5)],
      [at(5), at(9), at(1)],
      [at(5), { ...at(9), epoch: EPOCH + 1 }],
      [{ ...at(5), epoch: EPOCH + 1 }, at(9)],
      [at(5), undefined],
    ];
    for (const other of others) assert.equal(new Positions(other).resolve(cursor), undefined);
  });

  it("positions - advance, pass open events, and never go back", () => {
    const positions = new Positions([at(5, [3])]);
    positions.advance(0, 4);
    assert.deepEqual(positions.at(0), at(5, [3]));
    positions.open(0, 6);
    positions.advance(0, 9);
    assert.deepEqual(positions.at(0), at(9, [3, 6]));
    positions.pass(0, 4);
    assert.deepEqual(positions.at(0), at(9, [6]));
    positions.close(0, 6);
    assert.deepEqual(positions.at(0), at(9));
  });

  it("parseCursor - returns undefined for anything else, so that nothing foreign reaches a stream", () => {
    const good = new Positions([at(41)]).cursor(7);
    const foreign = [
      ...["", "0", "-1", "now", "0.1.1", "0.1.1~0.1.2", `${good}\n`, `${good}\r\n\r\n`, ` ${good}`],
      ...[`${good}~`, `${good}\u2028`, `${good}, ${good}`, good.slice(1), good.replace(".15", ".015")],
      ...[good.replace("~0.", "~1."), good.replace("~", "x~"), good.replace("~", `${"x".repeat(240)}~`)],
    ];
    for (const text of foreign) assert.equal(parseCursor(text), undefined, JSON.stringify(text));
  });
});

describe("cursor clock", () => {
  it("stamps - only ascend, also when the wall clock is set back", () => {
    let wall = 1_000;
    const clock = new CursorClock(() => wall);
    const first = clock.take(10);
    const second = clock.take();
    assert.equal(second, first + 10);
    wall = 10;
    assert.equal(clock.take(), second + 1);
    wall = 5_000;
    assert.ok(clock.take() > second + 1_000);
  });

  it("a cursor of an edge whose clock is ahead - is followed, but not one from the far future", () => {
    const clock = new CursorClock(() => 1_000);
    const other = new CursorClock(() => 30_000).take();
    clock.follow(other);
    assert.equal(clock.take(), other + 1);
    clock.follow(Number.MAX_SAFE_INTEGER);
    assert.equal(clock.take(), other + 2);
    assert.equal(clock.refused, 1);
  });
});
