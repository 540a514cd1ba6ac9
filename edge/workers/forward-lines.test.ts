import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { describe, it } from "node:test";
import { LineSink } from "../../lib/line-sink.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { forwardLines } from "./forward-lines.ts";

describe("forwardLines", () => {
  it("a child's output - is forwarded as whole lines, and its last line without a newline too", async () => {
    const lines: string[] = [];
    const sink = new LineSink(2);
    sink.write = (line) => void lines.push(line);
    const source = Readable.from(["one\ntw", "o\n", "thr", "ee"], { objectMode: false });
    forwardLines(source, sink);
    await waitFor("the end", () => source.destroyed);
    assert.deepEqual(lines, ["one\n", "two\n", "three\n"]);
  });
});
