import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  decodeNamed,
  encodeNamed,
  FRAME_KIND,
  type FrameRecord,
  FrameWriter,
  readFrame,
  readFrameHead,
} from "./frame.ts";
import { parseUserId, storedUserId } from "./names.ts";

const { frame: FRAME, counted: COUNTED } = FRAME_KIND;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const numbers = (record: FrameRecord): number[] =>
  Array.from({ length: record.recipients }, (_, index) => record.handleAt(index));

function recordsOf(frame: Uint8Array): { whole: boolean; records: [string, string, number[]][] } {
  const records: [string, string, number[]][] = [];
  const whole = readFrame(frame, FRAME, (record) => records.push([record.id, record.json, numbers(record)]));
  return { whole, records };
}

describe("frames", () => {
  const writer = new FrameWriter(7);
  writer.add("0-a-1", bytes('{"data":"ä"}'), Uint32Array.of(1, 4_294_967_295), 2);
  writer.add("0-a-2", bytes("{}"), Uint32Array.of(3, 9), 1);
  const frame = writer.take(FRAME);

  it("a frame - is read as it was written, with events, recipients and epoch, at any alignment", () => {
    const expected = [
      ["0-a-1", '{"data":"ä"}', [1, 4_294_967_295]],
      ["0-a-2", "{}", [3]],
    ];
    for (let shift = 0; shift < 4; shift += 1) {
      const moved = new Uint8Array(frame.length + shift).subarray(shift);
      moved.set(frame);
      assert.deepEqual(recordsOf(moved), { whole: true, records: expected });
      assert.deepEqual(readFrameHead(moved, FRAME), { epoch: 7, lastId: "0-a-2" });
    }
  });

  it("the writer - is empty after each frame, and grows with what is added", () => {
    assert.equal(writer.length, 0);
    for (let i = 0; i < 500; i += 1) writer.add(`0-b-${i}`, bytes(`{"n":${i}}`), Uint32Array.of(i), 1);
    assert.ok(writer.length > 4_096);
    const { records } = recordsOf(writer.take(COUNTED));
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
        readFrameHead(damaged, FRAME);
      }
    }
  });

  it("a copy by name - contains the event and its recipients, counted or not", () => {
    const users = ["7", "alice"].map(parseUserId);
    const event = { id: "0-a-3", json: bytes('{"data":1}'), counted: true, users };
    const decoded = decodeNamed(encodeNamed(event));
    assert.deepEqual({ ...decoded, json: new Uint8Array(decoded?.json ?? []) }, event);
    const message = encodeNamed(event);
    for (let length = 0; length < message.length; length += 1)
      assert.equal(decodeNamed(message.subarray(0, length)), undefined);
    const hostile = [
      { ...event, json: bytes("") },
      { ...event, json: bytes('{}\n\ndata: {"evil":1}') },
      { ...event, id: "Ä" },
      { ...event, users: [storedUserId("a b")] },
    ];
    for (const bad of hostile) assert.equal(decodeNamed(encodeNamed(bad)), undefined);
  });
});
