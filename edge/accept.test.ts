import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { prefers } from "./accept.ts";

const SSE: readonly string[] = [
  "text/event-stream",
  "TEXT/Event-Stream",
  "text/event-stream; charset=utf-8",
  "text/event-stream;q=0.001",
  "text/event-stream ; Q=0.5",
  'text/event-stream;note="a, b;q=0"',
  'text/plain;note="\\", text/plain", text/event-stream',
  "text/event-stream, */*",
  "*/*, text/event-stream",
  "text/event-stream, application/x-ndjson;q=0.9",
  "application/json, text/event-stream",
  "application/x-ndjson, text/event-stream",
  "text/*",
  "text/*, */*",
  "text/*;q=0.5, */*;q=0.1",
  "*/*, application/x-ndjson;q=0",
  "*/*, application/x-ndjson;q=0.5",
  "text/event-stream;q=nonsense",
  ", ,text/event-stream,",
];
const NDJSON: readonly (string | undefined)[] = [
  undefined,
  "",
  "*/*",
  "application/x-ndjson",
  "application/json",
  "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8",
  "text/html, image/gif, *; q=.2, */*; q=.2",
  "text/event-stream;q=0",
  "text/event-stream;q=0.000",
  "text/event-stream; charset=utf-8; q=0",
  "text/event-stream;q=0, */*",
  "text/event-stream;q=0, text/*",
  "text/event-stream;charset=utf-8;q=0, text/event-stream",
  "text/event-stream;q=0.5, application/x-ndjson",
  "text/event-stream;q=0.5, */*;q=0.8",
  "text/*;q=0.5, application/x-ndjson",
  "text/*, application/*",
  "text/event-streamish",
  "x-text/event-stream",
  "text/event-stream-2, */*",
  "text/plain; type=text/event-stream",
  'text/plain;note=", text/event-stream, "',
  'text/plain;note="text/event-stream',
  "application/*",
];

describe("Accept", () => {
  const chooses = (accept: string | undefined): string =>
    prefers(accept, "text/event-stream", "application/x-ndjson") ? "SSE" : "NDJSON";
  for (const accept of SSE) it(`${accept} - is SSE`, () => assert.equal(chooses(accept), "SSE"));
  for (const accept of NDJSON) it(`${accept} - is NDJSON`, () => assert.equal(chooses(accept), "NDJSON"));

  it("16 KB of any header - is parsed within a few milliseconds", () => {
    const startedAt = performance.now();
    for (const part of ['"', '"\\', 'a;q=0.1,"', 'text/event-stream;x="a,b";q=0,', ";", ","])
      prefers(part.repeat(16_384 / part.length), "text/event-stream", "application/x-ndjson");
    assert.ok(performance.now() - startedAt < 1_000);
  });
});
