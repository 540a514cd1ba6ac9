import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  decodeHole,
  decodeReplayPage,
  decodeWithdrawal,
  encodeHole,
  encodeReplayPage,
  encodeWithdrawal,
} from "./edge-notices.ts";
import {
  bodyOf,
  decodeHandles,
  encodeHandles,
  encodeMessage,
  FRAME_KIND,
  type FrameRecord,
  FrameWriter,
  readFrame,
  readHead,
} from "./frame.ts";

const { frame: FRAME, counted: COUNTED } = FRAME_KIND;
const HEAD = { partition: 300, presenceEpoch: 7, number: 4_294_967_295, epoch: 1e12, sequence: 2 ** 52 };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const numbers = (record: FrameRecord): number[] =>
  Array.from({ length: record.recipients }, (_, index) => record.handleAt(index));

function recordsOf(frame: Uint8Array): { whole: boolean; records: [string, string, number[]][] } {
  const records: [string, string, number[]][] = [];
  const whole = readFrame(frame, FRAME, (record) => records.push([record.id, record.json, numbers(record)]));
  return { whole, records };
}

describe("frames", () => {
  const writer = new FrameWriter();
  writer.add("0-a-1", bytes('{"data":"ä"}'), Uint32Array.of(1, 4_294_967_295), 2);
  writer.add("0-a-2", bytes("{}"), Uint32Array.of(3, 9), 1);
  const frame = writer.take(FRAME, HEAD);

  it("a frame - is read as it was written, with events, recipients and epoch, at any alignment", () => {
    const expected = [
      ["0-a-1", '{"data":"ä"}', [1, 4_294_967_295]],
      ["0-a-2", "{}", [3]],
    ];
    for (let shift = 0; shift < 4; shift += 1) {
      const moved = new Uint8Array(frame.length + shift).subarray(shift);
      moved.set(frame);
      assert.deepEqual(recordsOf(moved), { whole: true, records: expected });
      assert.deepEqual(readHead(moved), { ...HEAD, kind: FRAME });
    }
  });

  it("the writer - is empty after each frame, and grows with what is added", () => {
    assert.equal(writer.length, 0);
    for (let i = 0; i < 500; i += 1) writer.add(`0-b-${i}`, bytes(`{"n":${i}}`), Uint32Array.of(i), 1);
    assert.ok(writer.length > 4_096);
    const { records } = recordsOf(writer.take(COUNTED, HEAD));
    assert.equal(records.length, 0, "frames of another kind are refused");
  });

  it("a frame cut anywhere - is read only up to the cut, and whole records before it are passed on", () => {
    for (let length = 0; length < frame.length; length += 1) {
      const { whole, records } = recordsOf(frame.subarray(0, length));
      assert.equal(whole, false, String(length));
      assert.ok(records.length <= 1);
    }
  });

  it("a frame damaged anywhere - never throws", () => {
    for (let at = 0; at < frame.length; at += 1) {
      for (const value of [0, 1, 0x7f, 0xff]) {
        const damaged = frame.slice();
        damaged[at] = value;
        recordsOf(damaged);
        readHead(damaged);
      }
    }
  });

  it("a frame without records - only names the position", () => {
    const empty = new FrameWriter().take(FRAME, HEAD);
    assert.deepEqual(recordsOf(empty), { whole: true, records: [] });
    assert.deepEqual(readHead(empty), { ...HEAD, kind: FRAME });
  });

  it("a frame that announces other records than it has - is malformed", () => {
    const lying = frame.slice();
    lying[8] = 3;
    assert.equal(recordsOf(lying).whole, false);
  });

  it("recipients of a long event - are read as they were written", () => {
    const message = encodeMessage(
      FRAME_KIND.part,
      HEAD,
      encodeHandles(Uint32Array.of(7, 4_294_967_295, 1), 2),
    );
    assert.deepEqual(decodeHandles(bodyOf(message)), Uint32Array.of(7, 4_294_967_295));
    assert.equal(decodeHandles(bodyOf(message).subarray(1)), undefined);
  });

  it("notices - are read as they were written, and refused if they are malformed", () => {
    const hole = {
      reason: "late",
      since: "2026-12-01T00:00:00.000Z",
      oldest: "2026-11-30T00:00:00.000Z",
    } as const;
    assert.deepEqual(decodeHole(encodeHole(hole)), hole);
    const page = { request: 3, upTo: 9, last: true, hole };
    const events = ['{"id":"0-a-1"}', '{"id":"0-a-2","data":"ä"}'];
    assert.deepEqual(decodeReplayPage(encodeReplayPage(page, events.map(bytes))), { ...page, events });
    assert.deepEqual(decodeReplayPage(encodeReplayPage(page, [])), { ...page, events: [] });
    const withdrawal = { user: "7", topic: "alice" };
    assert.deepEqual(decodeWithdrawal(encodeWithdrawal(withdrawal)), withdrawal);
    for (const bad of ["", "{}", '{"reason":"bored"}', '{"request":1,"upTo":1,"last":true}\nno event'])
      for (const decode of [decodeHole, decodeReplayPage, decodeWithdrawal])
        assert.throws(() => decode(bytes(bad)), { code: "BAD_EVENT" }, bad);
  });
});
