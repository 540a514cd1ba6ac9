import assert from "node:assert/strict";
import { createServer } from "node:net";
import { describe, it } from "node:test";
import { cpuSecondsOf, memoryOf, socketsOf } from "./processes.ts";

const GONE = 4_194_303; // above what a machine gives out by default

describe("processes", () => {
  it("memoryOf - this process's memory, proportional within resident; undefined for one that is gone", () => {
    const { pssKb, rssKb } = memoryOf(process.pid) ?? { pssKb: 0, rssKb: 0 };
    assert.ok(pssKb > 1_000 && rssKb >= pssKb); // the program itself is shared by all that run
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
