// `encke edge --listen unix:…`, started repeatedly on one path.

import assert from "node:assert/strict";
import { existsSync, lstatSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { childrenOf, commandLineOf } from "../lib/processes.ts";
import { EnckeCommand } from "./support/command.ts";
import { tempDir } from "./support/temp-dir.ts";
import { waitFor } from "./support/wait-for.ts";

// each test starts edges of its own on a path of its own, so two cores can run two of them
describe("an edge on a UNIX socket", { concurrency: 2 }, () => {
  let broker: EnckeCommand;
  before(async () => {
    broker = await EnckeCommand.start(["broker", "--embedded", "--port", "0"], /at nats:/);
  });
  after(() => broker.stop());

  const argsFor = (path: string): string[] => [
    ...["edge", "--listen", `unix:${path}`, "--allow-anonymous", "--admin-port", "0", "--workers", "2"],
    ...["-s", broker.find(/at (nats:\S+)/)],
  ];
  const start = (path: string): Promise<EnckeCommand> => EnckeCommand.start(argsFor(path), /edge at unix:/);
  const untilServed = (path: string): Promise<void> =>
    waitFor("the page", () => {
      const socket = createConnection(path);
      return new Promise<boolean>((resolve) => {
        const done = (isServed: boolean): void => {
          socket.destroy();
          resolve(isServed);
        };
        socket.setEncoding("utf8").on("data", (text: string) => done(/200 OK/.test(text)));
        socket.on("error", () => done(false));
        socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
      });
    });
  /** Kills an edge and its workers at once, as a power failure would. */
  const killAll = async (edge: EnckeCommand): Promise<void> => {
    const workers = childrenOf(edge.pid);
    for (const pid of [...workers, edge.pid]) process.kill(pid, "SIGKILL");
    await edge.untilExit();
    await waitFor("the workers to end", () => workers.every((pid) => commandLineOf(pid) === ""));
  };

  it("the socket of a killed edge - is replaced by the next start, served, and removed at its end", async () => {
    const path = join(tempDir(), "edge.sock");
    await killAll(await start(path));
    assert.ok(lstatSync(path).isSocket());
    const second = await start(path);
    await untilServed(path);
    await second.stop();
    assert.deepEqual([second.exit, second.stderr, existsSync(path)], [0, "", false]);
  });

  it("a socket in use, by an edge or another process - exits 1, and the other keeps serving", async () => {
    const path = join(tempDir(), "edge.sock");
    const first = await start(path);
    const second = await EnckeCommand.run(argsFor(path));
    assert.match(
      second.stderr,
      /^encke: .*edge\.sock is taken: another Encke listens there; choose another with --listen\n$/,
    );
    assert.equal(second.exit, 1);
    await untilServed(path);
    await first.stop();
    const stranger = createServer();
    await new Promise<void>((resolve) => stranger.listen(path, resolve));
    const third = await EnckeCommand.run(argsFor(path));
    assert.match(third.stderr, /is taken: a process listens there/);
    assert.equal(third.exit, 1);
    assert.ok(lstatSync(path).isSocket());
    stranger.close();
  });

  it("two simultaneous starts on an abandoned socket - one serves, the other exits with the reason", async () => {
    const path = join(tempDir(), "edge.sock");
    await killAll(await start(path));
    const starts = await Promise.allSettled([start(path), start(path)]);
    const running = starts.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    const refused = starts.flatMap((one) => (one.status === "rejected" ? [String(one.reason)] : []));
    assert.equal(running.length, 1);
    assert.match(refused[0] ?? "", /is taken: another Encke listens there/);
    await untilServed(path);
    await running[0]?.stop();
  });

  it("every worker killed - their successors serve the path again", async () => {
    const path = join(tempDir(), "edge.sock");
    const edge = await start(path);
    for (const pid of childrenOf(edge.pid)) process.kill(pid, "SIGKILL");
    await untilServed(path);
    await edge.stop();
  });

  it("a path that is too long - exits 2 with the limit in bytes, and creates no socket of a shorter name", async () => {
    const folder = tempDir();
    const { exit, stderr } = await EnckeCommand.run(argsFor(join(folder, "ü".repeat(60))));
    assert.match(
      stderr,
      /^encke: --listen .* bytes, a socket's path at most 10[37]: choose a shorter one\n$/,
    );
    assert.equal(exit, 2);
  });
});
