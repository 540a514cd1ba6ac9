import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PositionedEvent } from "../formats/positioned-event.ts";
import { Corks } from "./corks.ts";

const LIMITS = { events: 100, bytes: 1_000, totalBytes: 2_000 };

describe("corks", () => {
  let number = 0;
  /** An event of 500 bytes. */
  const eventOf = (): PositionedEvent => {
    number += 1;
    return new PositionedEvent(`${1_000 + number}`, "x".repeat(494), "c1");
  };
  const corksOf = (...streams: readonly object[]): Corks<object> => {
    const corks = new Corks<object>(LIMITS);
    for (const [index, stream] of streams.entries())
      corks.add(stream, { number: index, onHeld: () => {} }, new Uint8Array(0), "");
    return corks;
  };

  it("all buffers together - are bounded, and the buffer that exceeds the bound is discarded", () => {
    const [one, two, three] = [{}, {}, {}];
    const corks = corksOf(one, two, three);
    for (const stream of [one, one, two, two]) assert.equal(corks.buffer(stream, eventOf()), true);
    assert.equal(corks.bytes, 2_000);
    assert.equal(corks.buffer(three, eventOf()), false);
    assert.deepEqual([corks.bytes, corks.overflows], [2_000, 1]);
    corks.remove(one);
    assert.equal(corks.buffer(three, eventOf()), false, "it has not been taken since");
    const [, , third] = [0, 1, 2].map((index) => corks.numbered(index));
    assert.equal(third && corks.take(third).overflowed, true);
    assert.equal(corks.buffer(three, eventOf()), true);
    assert.equal(corks.bytes, 1_500);
  });

  it("shared event - counts once in total, and until its last stream is gone", () => {
    const streams = [{}, {}, {}, {}, {}];
    const corks = corksOf(...streams);
    const event = eventOf();
    for (const stream of streams) assert.equal(corks.buffer(stream, event), true);
    assert.equal(corks.bytes, 500);
    for (const stream of streams.slice(1)) corks.remove(stream);
    assert.equal(corks.bytes, 500);
    corks.remove(streams[0] ?? {});
    assert.deepEqual([corks.bytes, corks.size], [0, 0]);
  });
});
