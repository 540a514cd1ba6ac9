// A command that is killed leaves nothing behind, whatever it had started.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { anyFreePort, isPortFree } from "../lib/ports.ts";
import { childrenOf, commandLineOf } from "../lib/processes.ts";
import { real } from "./support/brokers.ts";
import { EnckeCommand } from "./support/command.ts";
import { Services } from "./support/services.ts";
import { tempDir } from "./support/temp-dir.ts";
import { waitFor } from "./support/wait-for.ts";

/** Returns the descendants of a process. */
function descendantsOf(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);
}

/** Returns the guard that ends this process when the guard's parent dies. */
function guardOf(pid: number): number | undefined {
  return readdirSync("/proc")
    .map(Number)
    .find((candidate) => commandLineOf(candidate).includes(` encke-guard ${pid} `));
}

function untilGone(pids: readonly number[]): Promise<void> {
  const left = (): string[] => pids.map(commandLineOf).filter((line) => line !== "");
  return waitFor("every process to end", () => left().length === 0, 15_000);
}

/**
 * Starts a command whose temporary files are removed with those of the tests, because a killed command leaves
 * them.
 */
const start = (args: readonly string[], ready: RegExp): Promise<EnckeCommand> =>
  EnckeCommand.start(args, ready, { env: { TMPDIR: tempDir() } });
const up = (...args: string[]): Promise<EnckeCommand> =>
  start(["up", "--data", join(tempDir(), "graph"), "--users", "50", ...args], /Ctrl-C/);
const soak = (): Promise<EnckeCommand> =>
  start(
    [
      ...["soak", "--broker", "embedded", "--connections", "20", "--seconds", "600"],
      ...["--report", join(tempDir(), "soak")],
    ],
    /^/,
  );
const flood = (services: Services): Promise<EnckeCommand> =>
  services.run(
    [...["flood", "--url", services.edge.href, "--connections", "4"], ...["--processes", "2"]],
    /^/,
  );

// each test starts commands of its own, so two cores can run two of them
describe("a command that is killed", { concurrency: 2 }, () => {
  const commands: readonly [string, () => Promise<EnckeCommand>, number, string | false][] = [
    ["encke up with nats-server", () => up("--broker", "nats-server"), 2, real.skip],
    ["encke up with the embedded broker", () => up("--broker", "embedded"), 2, false],
    ["encke up with the plain pool", () => up("--broker", "embedded", "--pool", "plain"), 2, false],
    // broker, graph service, edge and its worker, clients
    ["encke soak", soak, 5, false],
  ];
  for (const [what, run, processes, skip] of commands) {
    it(`${what} - leaves no process behind`, { skip }, async () => {
      const command = await run();
      await waitFor("all that it starts", () => descendantsOf(command.pid).length >= processes);
      const descendants = descendantsOf(command.pid);
      const guards = descendants.flatMap((pid) => guardOf(pid) ?? []);
      command.kill("SIGKILL");
      await command.untilExit();
      await untilGone([...descendants, ...guards]);
    });
  }

  it("encke broker - frees its port, so that the next start can use it", { skip: real.skip }, async () => {
    const port = await anyFreePort("127.0.0.1");
    const args = ["broker", "--port", String(port)];
    const first = await start(args, /nats-server at/);
    first.kill("SIGKILL");
    await waitFor("the port to be free", () => isPortFree("127.0.0.1", port));
    const second = await start(args, /nats-server at/);
    await second.stop();
  });

  it("encke edge and encke flood - end their workers", async () => {
    const services = await Services.start({ broker: "embedded", edge: ["--workers", "2"] });
    try {
      const clients = await flood(services);
      for (const pid of [clients.pid, services.edgeSupervisor]) {
        await waitFor("both workers", () => childrenOf(pid).length === 2);
        const children = childrenOf(pid);
        process.kill(pid, "SIGKILL");
        await untilGone(children);
      }
    } finally {
      await services.stop();
    }
  });

  it("a guard killed first - is replaced, so that no process is left behind", {
    skip: real.skip,
  }, async () => {
    const command = await up("--broker", "nats-server");
    const [server = 0] = childrenOf(command.pid).filter((pid) => /nats-server/.test(commandLineOf(pid)));
    const guard = guardOf(server) ?? 0;
    process.kill(guard, "SIGKILL");
    await waitFor("another guard", () => ![undefined, guard].includes(guardOf(server)));
    const children = childrenOf(command.pid);
    assert.equal(children.length, 2, "a broker and a worker");
    const another = guardOf(server) ?? 0;
    command.kill("SIGKILL");
    await untilGone([...children, another]);
  });

  it("a server that hangs - is killed when its time to stop is over", { skip: real.skip }, async () => {
    const command = await start(["broker", "--port", "0"], /nats-server at/);
    const [server = 0] = childrenOf(command.pid);
    process.kill(server, "SIGSTOP");
    command.kill("SIGKILL");
    await untilGone([server]);
  });
});

describe("a command that keeps running", () => {
  it("a killed server - is replaced by one with its own guard, and the first guard ends", {
    skip: real.skip,
  }, async () => {
    const command = await start(["broker", "--port", "0"], /nats-server at/);
    const [first = 0] = childrenOf(command.pid);
    const guard = guardOf(first) ?? 0;
    process.kill(first, "SIGKILL");
    await untilGone([first, guard]);
    await waitFor("another server", () => childrenOf(command.pid).length === 1);
    const [second = 0] = childrenOf(command.pid);
    await waitFor("its guard", () => guardOf(second) !== undefined);
    const last = guardOf(second) ?? 0;
    await command.stop();
    await untilGone([second, last]);
  });
});
