import assert from "node:assert/strict";
import { createServer } from "node:net";
import { describe, it } from "node:test";
import { cpuSecondsOf, memoryOf, socketsOf } from "./processes.ts";

const GONE = 4_194_303; // greater than any id that a machine assigns by default

describe("processes", () => {
  it("memoryOf - returns a process's memory, of which the proportional part is within the resident; undefined if it is gone", () => {
    const { pssKb, rssKb } = memoryOf(process.pid) ?? { pssKb: 0, rssKb: 0 };
    assert.ok(pssKb > 1_000 && rssKb >= pssKb); // the program's pages are shared by all its processes
    assert.equal(memoryOf(GONE), undefined);
    assert.ok((cpuSecondsOf(process.pid) ?? 0) > 0);
    assert.equal(cpuSecondsOf(GONE), undefined);
  });

  it("socketsOf - counts a server's socket", async () => {
    const before = socketsOf(process.pid);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    assert.equal(socketsOf(process.pid), before + 1);
    await new Promise((resolve) => server.close(resolve));
  });
});
