// SIGHUP: the end of a command whose terminal has gone, and nothing to one that was told to survive it.

import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { childrenOf, commandLineOf } from "../lib/processes.ts";
import { projectRoot } from "../lib/project.ts";
import { EnckeCommand } from "./support/command.ts";
import { statusOf } from "./support/http.ts";
import { Reader } from "./support/reader.ts";
import { waitFor } from "./support/wait-for.ts";

const MAIN = join(projectRoot, "dist", "cli", "main.js");
const noScript = spawnSync("script", ["--version"]).status === 0 ? false : "no script(1) on this machine";

describe("SIGHUP", () => {
  let broker: EnckeCommand;
  let edge: readonly string[];

  before(async () => {
    broker = await EnckeCommand.start(["broker", "--embedded", "--port", "0"], /at nats:/);
    edge = ["edge", "--port", "0", "--admin-port", "0", "-s", broker.find(/at (nats:\S+)/)];
  });
  after(() => broker.stop());

  /** Starts an edge by way of another program; returns where it is, and its process. */
  async function startBy(
    ...start: readonly string[]
  ): Promise<{ starter: ChildProcess; url: URL; pid: number }> {
    const [file = "", ...args] = start;
    const starter = spawn(file, args, { stdio: ["pipe", "pipe", "pipe"] });
    let said = "";
    for (const stream of [starter.stdout, starter.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        said += text;
      });
    await waitFor("the edge", () => /edge at \S+,/.test(said));
    const pid = (of: number): number | undefined =>
      /cli\/main\.js edge/.test(commandLineOf(of)) && !/^(sh|script) /.test(commandLineOf(of))
        ? of
        : childrenOf(of).flatMap((child) => pid(child) ?? [])[0];
    return {
      starter,
      url: new URL(/edge at (\S+),/.exec(said)?.[1] ?? ""),
      pid: pid(starter.pid ?? 0) ?? 0,
    };
  }

  /** In a terminal of its own. */
  const inTerminal = (command: string): string[] => ["script", "-qec", command, "/dev/null"];
  const command = (): string => [process.execPath, MAIN, ...edge].map((word) => `'${word}'`).join(" ");

  /** Sends SIGHUP as a terminal that goes does, to every process there. */
  const hangUp = (pid: number): void => {
    for (const process_ of [...childrenOf(pid), pid]) process.kill(process_, "SIGHUP");
  };

  it("nohup - the edge and its worker go on", async () => {
    const { starter, url, pid } = await startBy("nohup", process.execPath, MAIN, ...edge);
    const reader = await Reader.open(new URL("/test/7", url));
    const [worker] = childrenOf(pid);
    hangUp(pid);
    assert.equal(await statusOf(url), 200);
    process.kill(pid, "SIGHUP");
    assert.equal(await statusOf(url), 200);
    assert.deepEqual(childrenOf(pid), [worker]);
    process.kill(pid, "SIGTERM");
    await reader.untilEnded();
    assert.equal(reader.ended, "complete");
    const [exit] = starter.exitCode === null ? await once(starter, "exit") : [starter.exitCode];
    assert.equal(exit, 0);
  });

  it("a shell that ignores it - passes that on, in a terminal too", { skip: noScript }, async () => {
    const { starter, url, pid } = await startBy(...inTerminal(`trap '' HUP; ${command()}; true`));
    hangUp(pid);
    assert.equal(await statusOf(url), 200);
    process.kill(pid, "SIGTERM");
    if (starter.exitCode === null) await once(starter, "exit");
  });

  it("a terminal that goes - ends the edge, and every stream gets its last chunk", {
    skip: noScript,
  }, async () => {
    const { starter, url, pid } = await startBy(...inTerminal(command()));
    const reader = await Reader.open(new URL("/test/7", url));
    hangUp(pid);
    await reader.untilEnded();
    assert.equal(reader.ended, "complete");
    assert.match(reader.text, /Goodbye/);
    if (starter.exitCode === null) await once(starter, "exit");
  });
});
