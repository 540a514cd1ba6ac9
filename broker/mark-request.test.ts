import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encodeMarker, encodeMarkRequest, MAX_MARKS, parseMarker, parseMarkRequest } from "./mark-request.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("mark request", () => {
  it("request and marker - are parsed as they were encoded", () => {
    const request = { edge: "e1", users: [["bob", 3]] as const };
    assert.deepEqual(parseMarkRequest(encode(encodeMarkRequest(request))), request);
    const marker = { edge: "e1", subscription: 3, partition: 2, epoch: 7, sequence: 12, open: [11] };
    assert.deepEqual(parseMarker(encodeMarker(marker)), marker);
  });

  it("malformed text or too many users - is refused", () => {
    const users = Array.from({ length: MAX_MARKS + 1 }, () => ["bob", 1] as const);
    const request = encodeMarkRequest({ edge: "e1", users });
    for (const text of ["", "{}", request])
      assert.throws(() => parseMarkRequest(encode(text)), { code: "BAD_EVENT" });
    assert.throws(() => parseMarker('{"edge":"e1"}'), { code: "BAD_EVENT" });
  });
});
