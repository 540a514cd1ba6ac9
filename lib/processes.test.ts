import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { describe, it } from "node:test";
import { childrenOf, commandLineOf, describeListener, listenerOn, listenersIn } from "./processes.ts";

const GONE = 4_194_303; // greater than any id that a machine assigns by default

describe("processes", () => {
  it("commandLineOf - returns the command line, or nothing for a process that is gone", () => {
    assert.ok(commandLineOf(process.pid).includes(process.argv[1] ?? "a program"));
    assert.equal(commandLineOf(GONE), "");
  });

  it("childrenOf - finds a child even if its name contains parentheses", async () => {
    const child = spawn(process.execPath, ["-e", "process.title = ') 1 ('; setInterval(() => {}, 1000)"]);
    assert.ok(childrenOf(process.pid).includes(child.pid ?? 0));
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
    assert.ok(!childrenOf(process.pid).includes(child.pid ?? 0));
  });

  it("listenerOn - finds a server by its port", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" ? (address?.port ?? 0) : 0;
    assert.equal(listenerOn(port), process.pid);
    // without its arguments, which may contain a secret
    assert.match(
      describeListener(port),
      new RegExp(`^process ${process.pid} \\("[^"]*node[^"]*"\\) listens there$`),
    );
    await new Promise((resolve) => server.close(resolve));
    assert.equal(listenerOn(port), undefined);
    assert.match(describeListener(port), /cannot be seen/);
  });

  it("listenersIn - ignores connections on the same port", () => {
    const row = (state: string, inode: number): string =>
      `   0: 0100007F:1F90 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1`;
    assert.deepEqual(listenersIn(`header\n${row("0A", 7)}\n${row("01", 8)}\n`, 8_080), ["socket:[7]"]);
  });
});
