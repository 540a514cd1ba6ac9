import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encodeEvent, parseTopic } from "../../broker/contract.ts";
import { parseSse } from "../../test/support/sse.ts";
import type { StreamFormat } from "./format.ts";
import { Frame, frameFor } from "./frame.ts";
import { ndjson } from "./ndjson.ts";
import { PositionedEvent } from "./positioned-event.ts";
import { sse } from "./sse.ts";
import { text } from "./text.ts";

const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const event = (data: string): PositionedEvent =>
  new PositionedEvent("e1", `{"id":"e1","data":${data}}`, "c1");
const written = (format: StreamFormat, what: PositionedEvent): string =>
  decode(frameFor(what.frame(format), () => 7).bytes);

describe("formats", () => {
  it("event - is rendered in each format", () => {
    assert.equal(written(sse, event('"hi"')), 'id: c1\ndata: {"id":"e1","data":"hi"}\n\n');
    assert.equal(written(ndjson, event('"hi"')), '{"id":"e1","data":"hi","cursor":"c1"}\n');
    assert.equal(written(text, event('"hi"')), "Recvd msg #7: 'hi'\n");
    assert.equal(written(text, event('{"a":1}')), "Recvd msg #7: '{\"a\":1}'\n");
  });

  it("frames - are built once per event and format", () => {
    const one = event('"hi"');
    assert.equal(one.frame(sse), one.frame(sse));
    const frame = one.frame(sse) as Frame;
    assert.equal(frame.framed("chunked"), frame.framed("chunked"));
  });

  it("refresh - is a named event with the cursor in SSE, a line in NDJSON, and a heartbeat in text", () => {
    assert.equal(sse.refresh("c1"), "id: c1\nevent: cursor\ndata: {}\n\n");
    assert.equal(ndjson.refresh("c1"), '{"cursor":"c1"}\n');
    assert.equal(text.refresh("c1"), decode(text.heartbeat.bytes));
  });

  it("NDJSON - has valid JSON on each line, after any number of heartbeats", () => {
    const stream = [
      ndjson.welcome({ users: ["7"], retryMs: 1, cursor: "0" }),
      decode(ndjson.heartbeat.bytes),
      written(ndjson, event("[1]")),
      decode(ndjson.heartbeat.bytes).repeat(3),
      ndjson.resync({ reason: "late", since: "2026-11-21T00:00:00.000Z" }, "c1"),
      ndjson.refresh("c2"),
      ndjson.goodbye("drain", 5, "c1"),
      ndjson.goodbye("expired", undefined, "c1"),
    ].join("");
    const lines = stream
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line));
    assert.deepEqual(lines, [
      { cursor: "0" },
      { id: "e1", data: [1], cursor: "c1" },
      { resync: { reason: "late", since: "2026-11-21T00:00:00.000Z", cursor: "c1" } },
      { cursor: "c2" },
      { goodbye: { reason: "drain", retryMs: 5 } },
      { goodbye: { reason: "expired" } },
    ]);
  });

  it("SSE - begins with a named event that has a position, a retry time and data", () => {
    assert.equal(
      sse.welcome({ users: ["7", "9"], retryMs: 1_500, cursor: "c0" }),
      "id: c0\nretry: 1500\n: welcome 7,9\nevent: welcome\ndata: {}\n\n",
    );
    assert.equal(
      sse.goodbye("expired", undefined, "c1"),
      'id: c1\nevent: goodbye\ndata: {"reason":"expired"}\n\n',
    );
    assert.equal(sse.goodbye("full", 5, undefined), 'retry: 5\nevent: goodbye\ndata: {"reason":"full"}\n\n');
  });

  it("SSE - gives a lax client the same events: no empty message, the id kept, no line split", () => {
    const payload = `{"wide":"\u0085|\u2028|\u2029"}`;
    const encoded = encodeEvent("e1", parseTopic("42"), new Date(0), new TextEncoder().encode(payload));
    const stream = [
      sse.welcome({ users: ["7"], retryMs: 1_500, cursor: "c0" }),
      decode(sse.heartbeat.bytes),
      decode(sse.heartbeat.bytes),
      written(sse, new PositionedEvent("e1", decode(encoded), "c1")),
      decode(sse.heartbeat.bytes),
      sse.resync({ reason: "late" }, "c2"),
      sse.refresh("c3"),
      sse.goodbye("drain", 5, "c3"),
    ].join("");
    const messages = parseSse(stream, "careless");
    assert.deepEqual(messages, parseSse(stream));
    assert.deepEqual(
      messages.map(({ type, id }) => [type, id]),
      [
        ["welcome", "c0"],
        ["message", "c1"],
        ["resync", "c2"],
        ["cursor", "c3"],
        ["goodbye", "c3"],
      ],
    );
    for (const { data } of messages) assert.doesNotThrow(() => JSON.parse(data));
    assert.deepEqual(JSON.parse(messages[1]?.data ?? "").data, JSON.parse(payload));
  });

  it("text - shows an object's payload as it was written, including wide line breaks", () => {
    const shown = (payload: string): string => {
      const encoded = encodeEvent("e1", undefined, new Date(0), new TextEncoder().encode(payload));
      return written(text, new PositionedEvent("e1", decode(encoded), "c1"));
    };
    for (const payload of [
      "a\u0085b\u2028c\u2029",
      '{"a":"\u0085\u2028\u2029"}',
      '["\\\\u2028","\\n\u2028"]',
    ])
      assert.equal(shown(payload), `Recvd msg #7: '${payload}'\n`);
  });

  it("chunks - begin with their size in bytes, in hexadecimal", () => {
    assert.equal(decode(new Frame("").framed("chunked")), "", "an empty one would end the response");
    assert.equal(decode(new Frame("ä".repeat(10)).framed("chunked")), `14\r\n${"ä".repeat(10)}\r\n`);
  });

  it("malformed event - is shown unchanged as text", () => {
    assert.equal(written(text, new PositionedEvent("x", "{oops}", "c")), "Recvd msg #7: '{oops}'\n");
  });
});
