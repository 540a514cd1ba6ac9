import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EventEncoder, encodeEvent, looksEncoded, MAX_PAYLOAD_BYTES, parseEvent, textOf } from "./event.ts";
import { parseTopic } from "./names.ts";

const time = new Date("2026-11-21T20:00:00.000Z");
const topic = parseTopic("42");
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const encode = (payload: Uint8Array): string =>
  new TextDecoder().decode(encodeEvent("0-1-1", topic, time, payload));

describe("event codec", () => {
  it("an event - has id, topic, time and data, in this order on one line", () => {
    assert.equal(
      encode(bytes("hi")),
      '{"id":"0-1-1","topic":"42","time":"2026-11-21T20:00:00.000Z","data":"hi"}',
    );
  });

  it("a direct message - has no topic", () => {
    const json = new TextDecoder().decode(encodeEvent("e-1", undefined, time, bytes("hi")));
    assert.equal(json, '{"id":"e-1","time":"2026-11-21T20:00:00.000Z","data":"hi"}');
  });

  /** Payloads, and the `data` that a reader receives. */
  const payloads: readonly (readonly [string, unknown])[] = [
    ["", ""],
    ["hello", "hello"],
    ["  {not JSON", "  {not JSON"],
    ["a \u007f \\ b", "a \u007f \\ b"],
    ["42", "42"],
    ["true", "true"],
    ["null", "null"],
    ['"quoted"', '"quoted"'],
    ['{"a":1}', { a: 1 }],
    ["[1,2]", [1, 2]],
    [' {"a":1}\n', { a: 1 }],
    ['{\r\n  "a": [\n1\r]\n}', { a: [1] }],
    ["{broken", "{broken"],
    ["[1,2", "[1,2"],
    ["line one\nline two\r\n", "line one\nline two\r\n"],
    ["\u2028\u2029", "\u2028\u2029"],
    ["\u0085 ä \u2028😀\u2029", "\u0085 ä \u2028😀\u2029"],
    ['{"\u2028":["\u0085",{"a":"\\\\\u2029"}]}', { "\u2028": ["\u0085", { a: "\\\u2029" }] }],
    ['{"a":"\\\u2028"}', '{"a":"\\\u2028"}'],
    ['{"a":1}\u2028', '{"a":1}\u2028'],
    ["\ufeffbom", "\ufeffbom"],
    ["\u0000\u0001\u001f", "\u0000\u0001\u001f"],
    ["😀 ä", "😀 ä"],
    ['{"__proto__":{"a":1}}', JSON.parse('{"__proto__":{"a":1}}')],
  ];
  for (const [payload, data] of payloads) {
    it(`${JSON.stringify(payload)} - arrives unchanged, on one line`, () => {
      const json = encode(bytes(payload));
      assert.doesNotMatch(json, /[\n\v\f\r\u0085\u2028\u2029]/, "one line, also as Python cuts lines");
      assert.deepEqual(parseEvent(json).data, data);
      assert.ok(looksEncoded(bytes(json)));
    });
  }

  it("encoder - reuses its memory for events of all sizes and times", () => {
    const encoder = new EventEncoder();
    const payload = (size: number): Uint8Array =>
      bytes(size % 3 === 0 ? `{"a":"${"x".repeat(size)}"}` : "x".repeat(size));
    for (const size of [0, 1, 3, 5_000, 2, 60_000, 6, 20_000]) {
      const at = new Date(time.getTime() + (size % 2));
      const encoded = encoder.encode("0-1-1", topic, at.getTime(), payload(size));
      assert.deepEqual(
        new Uint8Array(encoded),
        new Uint8Array(encodeEvent("0-1-1", topic, at, payload(size))),
      );
      assert.equal(parseEvent(new TextDecoder().decode(encoded)).time, at.toISOString());
    }
  });

  it("numbers in JSON - keep every digit", () => {
    assert.match(
      encode(bytes('{"id":12345678901234567890,"x":1.10}')),
      /"data":\{"id":12345678901234567890,"x":1.10\}/,
    );
  });

  it("a payload that is not UTF-8 - is sent as base64, byte for byte", () => {
    const payload = Uint8Array.from([0xff, 0xfe, 0x00, 0x80]);
    const event = parseEvent(encode(payload));
    assert.equal("data" in event, false);
    assert.deepEqual(Uint8Array.from(Buffer.from(event.data_base64 ?? "", "base64")), payload);
  });

  it("nesting of the maximum depth - is either JSON or text, never a crash", () => {
    const deep = "[".repeat(MAX_PAYLOAD_BYTES / 2) + "]".repeat(MAX_PAYLOAD_BYTES / 2);
    assert.ok(encode(bytes(deep)).length > MAX_PAYLOAD_BYTES);
  });

  it("64 KiB - are accepted, and one byte more is refused with both sizes", () => {
    assert.doesNotThrow(() => encode(new Uint8Array(MAX_PAYLOAD_BYTES).fill(0x61)));
    assert.throws(() => encode(new Uint8Array(MAX_PAYLOAD_BYTES + 1)), {
      code: "PAYLOAD_TOO_LARGE",
      message: /65537.*65536/,
    });
  });

  it("parseEvent - refuses anything but an event", () => {
    for (const text of ["", "{", "[]", "null", "1", "{}", '{"id":1}'])
      assert.throws(() => parseEvent(text), { code: "BAD_EVENT" });
  });

  it("looksEncoded - refuses what could break a stream's framing", () => {
    for (const text of ["", "{}x", "x{}", '{"a":"\n"}', '{"a":\r1}', "hello"])
      assert.equal(looksEncoded(bytes(text)), false);
  });

  it("textOf - returns text unchanged, and anything else as JSON", () => {
    assert.equal(textOf({ id: "1", time: "", data: "it's" }), "it's");
    assert.equal(textOf({ id: "1", time: "", data: { a: 1 } }), '{"a":1}');
    assert.equal(textOf({ id: "1", time: "", data_base64: "/w==" }), "/w==");
  });
});
