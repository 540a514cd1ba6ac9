// Both formats, cut at every character and every byte of a stream that has blocks of all kinds.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Message, Sink } from "./messages.ts";
import { type Parse, parseNdjson, parseServerSentEvents } from "./parse.ts";

const EVENT = {
  id: "0-a-1",
  topic: "42",
  time: "2026-11-21T20:00:00.000Z",
  data: { text: "Grüße 👋 \u2028" },
};
const INBOX = { id: "0-a-2", time: "2026-11-21T20:00:01.000Z", data: "line\nline\r: x" };
const BINARY = { id: "0-a-3", topic: "photo.7", time: "2026-11-21T20:00:02.000Z", data_base64: "/w==" };
const HOLE = { reason: "too-old", since: "2026-11-21T19:00:00.000Z", oldest: "2026-11-21T19:30:00.000Z" };
const UNREADABLE: Message = { kind: "resync", detail: { reason: "unreadable" } };

const SSE = `${[
  "id: c0\nretry: 1500\n: welcome 7\nevent: welcome\ndata: {}",
  `id: c1\ndata: ${JSON.stringify(EVENT)}`,
  ":",
  `event: message\nid:c2\ndata:${JSON.stringify(INBOX)}`,
  "id: c3\nevent: cursor\ndata: {}",
  "event: poll\ndata: this kind is unknown, and no JSON",
  "event: toString\ndata: {}",
  "data",
  "data: \nignored: field",
  "data: {broken",
  "data: null",
  `id: c4\nevent: resync\ndata: ${JSON.stringify(HOLE)}`,
  `id: c5\ndata: ${JSON.stringify(BINARY).replaceAll(",", ",\ndata: ")}`,
  'id: c5\nretry: 2500\nevent: goodbye\ndata: {"reason":"drain"}',
].join("\n\n")}\n\n`;

const SSE_MESSAGES: readonly Message[] = [
  { kind: "open", cursor: "c0", retryMs: 1_500 },
  { kind: "event", detail: { ...EVENT, cursor: "c1" }, cursor: "c1" },
  { kind: "event", detail: { ...INBOX, cursor: "c2" }, cursor: "c2" },
  { kind: "cursor", cursor: "c3" },
  UNREADABLE,
  UNREADABLE,
  { kind: "resync", detail: HOLE, cursor: "c4" },
  { kind: "event", detail: { ...BINARY, cursor: "c5" }, cursor: "c5" },
  { kind: "goodbye", detail: { reason: "drain", retryMs: 2_500 }, cursor: "c5", retryMs: 2_500 },
];

const NDJSON = `${[
  '{"cursor":"c0"}',
  JSON.stringify({ ...EVENT, cursor: "c1" }),
  `   ${JSON.stringify({ ...INBOX, cursor: "c2" })}`,
  " \r",
  '{"cursor":"c3"}',
  '{"news":1}',
  "{broken",
  "null",
  '{"goodbye":null}',
  JSON.stringify({ resync: { ...HOLE, cursor: "c4" } }),
  JSON.stringify({ ...BINARY, cursor: "c5" }),
  '{"goodbye":{"reason":"drain","retryMs":2500}}',
].join("\n")}\n`;

const NDJSON_MESSAGES: readonly Message[] = [
  { kind: "open" },
  { kind: "cursor", cursor: "c0" },
  ...SSE_MESSAGES.slice(1, 4),
  { kind: "cursor", cursor: undefined },
  UNREADABLE,
  UNREADABLE,
  UNREADABLE,
  ...SSE_MESSAGES.slice(6, 8),
  { ...(SSE_MESSAGES[8] as Message), cursor: undefined },
];

/** Returns what a parser passes on, without undefined fields. */
function parsed(parser: (sink: Sink) => Parse, pieces: readonly string[]): Message[] {
  const messages: Message[] = [];
  const parse = parser((message) => messages.push(message));
  for (const piece of pieces) assert.ok(parse(piece));
  return plain(messages);
}

function plain(messages: readonly Message[]): Message[] {
  return JSON.parse(JSON.stringify(messages));
}

/** Decodes as `read` does. */
function decoded(chunks: readonly Uint8Array[]): string[] {
  const decoder = new TextDecoder();
  return chunks.map((chunk) => decoder.decode(chunk, { stream: true }));
}

const ALL = [
  { name: "server-sent events", parser: parseServerSentEvents, text: SSE, messages: SSE_MESSAGES },
  {
    name: "server-sent events with \\r\\n",
    parser: parseServerSentEvents,
    text: SSE.replaceAll("\n", "\r\n"),
    messages: SSE_MESSAGES,
  },
  {
    name: "server-sent events with \\r",
    parser: parseServerSentEvents,
    // a carriage return at the end may be half of a pair, so the block ends with the next byte
    text: `${SSE.replaceAll("\n", "\r")}:`,
    messages: SSE_MESSAGES,
  },
  { name: "NDJSON", parser: parseNdjson, text: NDJSON, messages: NDJSON_MESSAGES },
];

for (const { name, parser, text, messages } of ALL)
  describe(`parser of ${name}`, () => {
    const bytes = new TextEncoder().encode(text);

    it("a stream of all kinds - becomes the same messages, cut at any byte", () => {
      assert.deepEqual(parsed(parser, [text]), plain(messages));
      for (let at = 0; at <= bytes.length; at += 1) {
        const pieces = decoded([bytes.subarray(0, at), bytes.subarray(at)]);
        assert.deepEqual(parsed(parser, pieces), plain(messages), `cut after byte ${at}`);
      }
    });

    it("a stream of all kinds - becomes the same messages, byte by byte", () => {
      const pieces = decoded(Array.from(bytes, (byte) => Uint8Array.of(byte)));
      assert.deepEqual(parsed(parser, pieces), plain(messages));
    });

    it("a stream that ends at any byte - yields only complete blocks, in order", () => {
      let longest = 0;
      for (let at = 0; at < bytes.length; at += 1) {
        const some = parsed(parser, decoded([bytes.subarray(0, at)]));
        assert.deepEqual(some, plain(messages.slice(0, some.length)), `ended after byte ${at}`);
        assert.ok(some.length >= longest);
        longest = some.length;
      }
      assert.equal(longest, messages.length - 1);
    });

    it("a line of more than 1,000,000 characters - is given up", () => {
      const parse = parser(({ kind }) => assert.equal(kind, "open"));
      const piece = "x".repeat(250_000);
      const replies = Array.from({ length: 5 }, () => parse(piece));
      assert.deepEqual(replies, [true, true, true, true, false]);
    });
  });

describe("parser of server-sent events, fields", () => {
  const messagesOf = (text: string): Message[] => parsed(parseServerSentEvents, [text]);
  const event = (fields: string): string => `${fields}\ndata: {"id":"1"}\n\n`;
  const cursorsOf = (text: string): unknown[] => messagesOf(text).map(({ cursor }) => cursor);

  it("a block without an id - has the cursor of the last one", () => {
    assert.deepEqual(cursorsOf(event("id: a") + event(": none")), ["a", "a"]);
  });

  it("an empty id - clears the cursor", () => {
    assert.deepEqual(cursorsOf(event("id: a") + event("id:")), ["a", undefined]);
  });

  it("an id of a block without data - counts for the next block", () => {
    assert.deepEqual(cursorsOf(`id: a\n\n${event(": none")}`), ["a"]);
  });

  it("a retry that is not a number - is ignored, and does not reach the next block", () => {
    const goodbye = (retry: string): string => `${retry}\nevent: goodbye\ndata: {"reason":"full"}\n\n`;
    assert.deepEqual(
      messagesOf(goodbye("retry: 5000") + goodbye("retry: soon") + goodbye(":")).map(
        ({ retryMs }) => retryMs,
      ),
      [5_000, undefined, undefined],
    );
  });

  it("a block of more than 1,000,000 characters - is not kept, and becomes unreadable", () => {
    const blockOf = (lines: number): string =>
      `data: {"id":"1","data":[\n${`data: "${"x".repeat(99_990)}",\n`.repeat(lines)}data: ""]}\n\n`;
    assert.deepEqual(
      messagesOf(blockOf(9) + blockOf(12) + event("id: a")).map(({ kind }) => kind),
      ["event", "resync", "event"],
    );
  });

  it("a byte order mark - is skipped", () => {
    const bytes = new TextEncoder().encode(`\ufeff${event("id: a")}`);
    assert.equal(parsed(parseServerSentEvents, decoded([bytes]))[0]?.kind, "event");
  });
});
