// Services whose standard output and standard error take no writes: they still serve, and count the lines
// they drop.

import assert from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { anyFreePort } from "../lib/ports.ts";
import { childrenOf } from "../lib/processes.ts";
import { cpuSecondsOf, valueIn } from "../load/index.ts";
import { real } from "./support/brokers.ts";
import { EnckeCommand } from "./support/command.ts";
import { Fifo } from "./support/fifo.ts";
import { statusOf } from "./support/http.ts";
import { tempDir } from "./support/temp-dir.ts";
import { waitFor } from "./support/wait-for.ts";

/** A command that has used no CPU for this long has finished its work. */
const QUIET_MS = 500;

const OUTPUTS: readonly (readonly [string, () => number])[] = [
  ["a full disk", () => openSync("/dev/full", "w")],
  ["a pipe that nothing reads", () => new Fifo().fill().fd],
  ["a closed pipe", () => new Fifo().leave().fd],
];

/** Starts a command whose output is discarded, and waits until its admin port reports it ready. */
async function startMute(output: number, ...args: string[]): Promise<{ command: EnckeCommand; admin: URL }> {
  const port = await anyFreePort("127.0.0.1");
  const command = await EnckeCommand.start([...args, "--admin-port", String(port)], /^/, {
    output: { stdout: output, stderr: output },
  });
  const admin = new URL(`http://127.0.0.1:${port}`);
  await waitFor("its admin port", () =>
    statusOf(new URL("/healthz", admin))
      .catch(() => 0)
      .then((status) => status === 200),
  );
  return { command, admin };
}

const isReady = async (admin: URL): Promise<boolean> => (await statusOf(new URL("/readyz", admin))) === 200;
const droppedBy = async (admin: URL): Promise<number> =>
  valueIn(await (await fetch(new URL("/metrics", admin))).text(), "encke_log_lines_dropped_total");

// the tests mostly wait for processes, so two outputs are tried at once
describe("standard error", { concurrency: 2 }, () => {
  for (const [what, open] of OUTPUTS) {
    describe(what, { concurrency: 1 }, () => {
      it("encke graph serve and encke edge - survive a NATS restart, and count the lines they drop", async () => {
        const output = open();
        const port = String(await anyFreePort("127.0.0.1"));
        const startBroker = (): Promise<EnckeCommand> =>
          EnckeCommand.start(["broker", "--embedded", "--port", port], /at nats:/);
        const nats = ["-s", `nats://127.0.0.1:${port}`];
        const first = await startBroker();
        const graph = await startMute(output, "graph", "serve", "--data", join(tempDir(), "graph"), ...nats);
        const edge = await startMute(output, "edge", "--port", "0", "--workers", "2", ...nats);
        await waitFor("both", async () => (await isReady(graph.admin)) && (await isReady(edge.admin)));
        const workers = childrenOf(edge.command.pid);
        await first.stop();
        await waitFor("neither", async () => !(await isReady(graph.admin)) && !(await isReady(edge.admin)));
        const second = await startBroker();
        await waitFor(
          "both to be ready again",
          async () => (await isReady(graph.admin)) && (await isReady(edge.admin)),
        );
        assert.deepEqual(childrenOf(edge.command.pid), workers);
        for (const { command, admin } of [graph, edge]) {
          assert.ok((await droppedBy(admin)) >= 2);
          await command.stop();
          assert.equal(command.exit, 0);
        }
        await second.stop();
        closeSync(output);
      });

      it("encke up - serves", { skip: real.skip }, async () => {
        const output = open();
        const port = await anyFreePort("127.0.0.1");
        const args = ["--port", String(port), "--data", join(tempDir(), "graph"), "--users", "50"];
        const { command, admin } = await startMute(output, "up", ...args, "--log-level", "info");
        await waitFor("readiness", () => isReady(admin));
        assert.equal(await statusOf(new URL(`http://127.0.0.1:${port}/`)), 200);
        assert.ok((await droppedBy(admin)) >= 2); // its address, and that its worker listens
        await command.stop();
        assert.equal(command.exit, 0);
        closeSync(output);
      });

      it("a command that fails - still exits with its status", async () => {
        const stderr = open();
        for (const [args, exit] of [
          [["graph", "about", "--data", "/nowhere"], 1],
          [["edge", "--port", "99999"], 2],
          [["fly"], 2],
        ] as const)
          assert.equal((await EnckeCommand.run(args, { output: { stderr } })).exit, exit);
        closeSync(stderr);
      });
    });
  }
});

describe("standard output", () => {
  const print = ["broker", "--print-config", "--partitions", "256"];

  it("a full disk - exits 1 with one line if output is lost", async () => {
    const stdout = openSync("/dev/full", "w");
    for (const args of [print, ["--help"], ["graph", "generate", "--users", "1000"]]) {
      const { exit, stderr } = await EnckeCommand.run(args, { output: { stdout } });
      assert.match(stderr, /^encke: standard output cannot be written \(ENOSPC: .*\n$/);
      assert.equal(exit, 1);
    }
    closeSync(stdout);
  });

  it("a closed pipe - needs no more output: exits 0 silently", async () => {
    const stdout = new Fifo().leave().fd;
    const { exit, stderr } = await EnckeCommand.run(print, { output: { stdout } });
    assert.deepEqual([exit, stderr], [0, ""]);
    closeSync(stdout);
  });

  it("a pipe that is read slowly - carries the complete output, however full it was", async () => {
    const fifo = new Fifo().fill();
    const command = await EnckeCommand.start(print, /^/, { output: { stdout: fifo.fd } });
    let [cpuSeconds, sinceMs] = [0, performance.now()];
    await waitFor("the command to end or to wait for the pipe", () => {
      const now = cpuSecondsOf(command.pid) ?? 0;
      if (now !== cpuSeconds) [cpuSeconds, sinceMs] = [now, performance.now()];
      return command.exit !== undefined || (cpuSeconds > 0 && performance.now() - sinceMs > QUIET_MS);
    });
    let text = "";
    await waitFor("the command to end", () => {
      text += fifo.read();
      return command.exit !== undefined;
    });
    text += fifo.read();
    assert.equal(text.replace(/^x+/, ""), (await EnckeCommand.run(print)).stdout);
    fifo.close();
  });
});
