import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { describe, it } from "node:test";
import {
  childrenOf,
  commandLineOf,
  cpuSecondsOf,
  describeListener,
  listenerOn,
  listenersIn,
  memoryOf,
  socketsOf,
} from "./processes.ts";

const GONE = 4_194_303; // above what a machine gives out by default

describe("processes", () => {
  it("memoryOf - this process's memory, proportional within resident; undefined for one that is gone", () => {
    const { pssKb, rssKb } = memoryOf(process.pid) ?? { pssKb: 0, rssKb: 0 };
    assert.ok(pssKb > 1_000 && rssKb >= pssKb); // the program itself is shared by all that run
    assert.equal(memoryOf(GONE), undefined);
    assert.ok((cpuSecondsOf(process.pid) ?? 0) > 0);
    assert.equal(cpuSecondsOf(GONE), undefined);
    assert.ok(commandLineOf(process.pid).includes(process.argv[1] ?? "a program"));
    assert.equal(commandLineOf(GONE), "");
  });

  it("childrenOf - finds a child, also one whose name is made to confuse", async () => {
    const child = spawn(process.execPath, ["-e", "process.title = ') 1 ('; setInterval(() => {}, 1000)"]);
    assert.ok(childrenOf(process.pid).includes(child.pid ?? 0));
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
    assert.ok(!childrenOf(process.pid).includes(child.pid ?? 0));
  });

  it("listenerOn, socketsOf - find a server by its port, and count its socket", async () => {
    const before = socketsOf(process.pid);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" ? (address?.port ?? 0) : 0;
    assert.equal(listenerOn(port), process.pid);
    assert.equal(socketsOf(process.pid), before + 1);
    // by its program alone: what is among its flags may be a secret
    assert.match(
      describeListener(port),
      new RegExp(`^process ${process.pid} \\("[^"]*node[^"]*"\\) listens there$`),
    );
    await new Promise((resolve) => server.close(resolve));
    assert.equal(listenerOn(port), undefined);
    assert.match(describeListener(port), /cannot be seen/);
  });

  it("listenersIn - a connection on the same port is no listener", () => {
    const row = (state: string, inode: number): string =>
      `   0: 0100007F:1F90 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1`;
    assert.deepEqual(listenersIn(`header\n${row("0A", 7)}\n${row("01", 8)}\n`, 8_080), ["socket:[7]"]);
  });
});
