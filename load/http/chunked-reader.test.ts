import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ChunkedReader } from "./chunked-reader.ts";

function read(text: string, pieces: number): { status: number; chunks: string[]; ended: boolean } {
  const result = { status: 0, chunks: [] as string[], ended: false };
  const reader = new ChunkedReader({
    onHead: ({ status }) => {
      result.status = status;
    },
    onChunk: (data) => result.chunks.push(data.toString("latin1")),
    onEnd: () => {
      result.ended = true;
    },
  });
  const bytes = Buffer.from(text, "latin1");
  for (let at = 0; at < bytes.length; at += pieces) reader.push(bytes.subarray(at, at + pieces));
  return result;
}

describe("chunked reader", () => {
  const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

  it("chunks - are reported only when complete, however the bytes are split", () => {
    const text = `${head}5\r\nhello\r\n1A\r\n${"x".repeat(26)}\r\n2\r\n\r\n\r\n0\r\n\r\n`;
    for (let pieces = 1; pieces <= text.length; pieces += 1) {
      assert.deepEqual(
        read(text, pieces),
        { status: 200, chunks: ["hello", "x".repeat(26), "\r\n"], ended: true },
        `pieces of ${pieces}`,
      );
    }
  });

  it("response without chunks - is reported as the bytes arrive", () => {
    const { chunks, ended } = read("HTTP/1.1 404 Not Found\r\n\r\nnothing", 1_000);
    assert.deepEqual([chunks.join(""), ended], ["nothing", false]);
  });

  it("malformed framing - is an error", () => {
    for (const body of ["z\r\n", "5\r\nhello!\r\n", "\r\n", "123456789\r\n"])
      assert.throws(() => read(head + body, 1_000), body);
    assert.throws(() => read("SSH-2.0-x\r\n\r\n", 1_000), /no HTTP response/);
    assert.throws(() => read("x".repeat(100_000), 1_000), /no end/);
  });
});
