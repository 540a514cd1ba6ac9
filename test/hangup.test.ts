// SIGHUP ends a command whose terminal has gone, and has no effect on one that ignores it.

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

/** Body of /readyz while the edge runs, because this test starts no graph. */
const WITHOUT_GRAPH = /^not ready: .*\bgraph\b/;

// each test starts an edge of its own, so two cores can run two of them
describe("SIGHUP", { concurrency: 2 }, () => {
  let broker: EnckeCommand;
  let edge: readonly string[];

  before(async () => {
    broker = await EnckeCommand.start(["broker", "--embedded", "--port", "0"], /at nats:/);
    edge = ["edge", "--port", "0", "--admin-port", "0", "-s", broker.find(/at (nats:\S+)/)];
  });
  after(() => broker.stop());

  /** Starts an edge through another program. Returns the edge's addresses and process id. */
  async function startBy(
    ...start: readonly string[]
  ): Promise<{ starter: ChildProcess; url: URL; readyz: URL; pid: number }> {
    const [file = "", ...args] = start;
    const starter = spawn(file, args, { stdio: ["pipe", "pipe", "pipe"] });
    let said = "";
    for (const stream of [starter.stdout, starter.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        said += text;
      });
    await waitFor("the edge", () => /edge at \S+, admin at \S+\s/.test(said));
    const pid = (of: number): number | undefined =>
      /cli\/main\.js edge/.test(commandLineOf(of)) && !/^(sh|script) /.test(commandLineOf(of))
        ? of
        : childrenOf(of).flatMap((child) => pid(child) ?? [])[0];
    return {
      starter,
      url: new URL(/edge at (\S+),/.exec(said)?.[1] ?? ""),
      readyz: new URL("/readyz", /admin at (\S+)/.exec(said)?.[1]),
      pid: pid(starter.pid ?? 0) ?? 0,
    };
  }

  /** Returns a command line that runs in a terminal of its own. */
  const inTerminal = (command: string): string[] => ["script", "-qec", command, "/dev/null"];
  const command = (): string => [process.execPath, MAIN, ...edge].map((word) => `'${word}'`).join(" ");

  /** Sends SIGHUP to the edge and its worker, as a closing terminal does. */
  const hangUp = (pid: number): void => {
    for (const process_ of [...childrenOf(pid), pid]) process.kill(process_, "SIGHUP");
  };

  /**
   * Expects supervisor and worker to serve. Each replies on a new connection, whose request it reads after
   * the signals sent before, so a draining edge would be seen. Without a graph the edge is not ready.
   */
  const expectServed = async (url: URL, readyz: URL): Promise<void> => {
    assert.match(await (await fetch(readyz)).text(), WITHOUT_GRAPH);
    assert.equal(await statusOf(url), 200);
  };

  it("nohup - keeps the edge and its worker running", async () => {
    const { starter, url, readyz, pid } = await startBy("nohup", process.execPath, MAIN, ...edge);
    await waitFor("the worker to run", async () => WITHOUT_GRAPH.test(await (await fetch(readyz)).text()));
    const reader = await Reader.open(new URL("/test/7", url));
    const [worker] = childrenOf(pid);
    hangUp(pid);
    await expectServed(url, readyz);
    process.kill(pid, "SIGHUP");
    await expectServed(url, readyz);
    assert.deepEqual(childrenOf(pid), [worker]);
    process.kill(pid, "SIGTERM");
    await reader.untilEnded();
    assert.equal(reader.ended, "complete");
    const [exit] = starter.exitCode === null ? await once(starter, "exit") : [starter.exitCode];
    assert.equal(exit, 0);
  });

  it("a shell that ignores SIGHUP - passes that on, also in a terminal", { skip: noScript }, async () => {
    const { starter, url, readyz, pid } = await startBy(...inTerminal(`trap '' HUP; ${command()}; true`));
    await waitFor("the worker to run", async () => WITHOUT_GRAPH.test(await (await fetch(readyz)).text()));
    hangUp(pid);
    await expectServed(url, readyz);
    process.kill(pid, "SIGTERM");
    if (starter.exitCode === null) await once(starter, "exit");
  });

  it("a terminal that closes - ends the edge, and every stream receives its last chunk", {
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
