// A graph service whose disk takes no writes for a while: a limit on file sizes, set from outside, which
// LevelDB hits in the middle of a record. Errors name the disk, events continue, and changes acknowledged
// afterwards survive a kill -9.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { BrokerClient } from "../broker/index.ts";
import { anyFreePort } from "../lib/ports.ts";
import { embedded, type TestBroker, urlOf } from "./support/brokers.ts";
import { ask, connectClient, type Reply } from "./support/client.ts";
import { EnckeCommand } from "./support/command.ts";
import { tempDir } from "./support/temp-dir.ts";
import { waitFor } from "./support/wait-for.ts";

const hasPrlimit = spawnSync("prlimit", ["--version"]).status === 0;

/** Limits the size of the files that a process may write; without a number, removes the limit. */
function limitFiles(pid: number, bytes: number | "unlimited"): void {
  const { status, stderr } = spawnSync("prlimit", ["--pid", String(pid), `--fsize=${bytes}:unlimited`]);
  assert.equal(status, 0, String(stderr));
}

describe("graph service on a disk that takes no writes", {
  skip: hasPrlimit ? false : "no prlimit (util-linux) here",
}, () => {
  const directory = join(tempDir(), "graph");
  let broker: TestBroker;
  let client: BrokerClient;
  let graph: EnckeCommand;
  let adminPort = 0;
  let follows = 0;

  const startGraph = async (): Promise<void> => {
    adminPort = await anyFreePort("127.0.0.1");
    graph = await EnckeCommand.start(
      ["graph", "serve", "--data", directory, "--admin-port", String(adminPort)],
      /graph of/,
      { env: { NATS_URL: urlOf(broker) } },
    );
  };
  const follow = (count: number): Promise<Reply> => {
    const ids = Array.from({ length: count }, (_, index) => `reader-${follows + index}`);
    return ask(client, "graph.subscribe.rj", ids);
  };
  const readiness = async (): Promise<string> => (await fetch(`http://127.0.0.1:${adminPort}/readyz`)).text();
  const metric = async (name: string): Promise<string | undefined> => {
    const page = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
    return new RegExp(`^${name} (.*)$`, "m").exec(page)?.[1];
  };

  before(async () => {
    broker = await embedded.start();
    client = await connectClient({ url: urlOf(broker) });
    await startGraph();
  });
  after(async () => {
    await graph.stop();
    await client.close();
    await broker.stop();
  });

  it("a failed write - is refused with 507, as are later changes, while events and lists continue", async () => {
    await follow(50);
    follows = 50;
    const log = readdirSync(directory).find((name) => name.endsWith(".log")) ?? "";
    limitFiles(graph.pid, statSync(join(directory, log)).size + 40_000);
    let { problem } = await follow(100);
    for (; problem === undefined; { problem } = await follow(100)) follows += 100;
    assert.equal(problem.code, 507);
    assert.match(problem.message, /accepts no changes \(.*File too large\): free space/);
    assert.equal((await follow(1)).problem?.code, 507);
    assert.match(
      await readiness(),
      /not ready: changes are refused because the disk failed \(.*File too large/,
    );
    assert.equal(await metric("encke_graph_writable"), "0");
    assert.equal((await ask(client, "graph.count.rj")).count, follows);
    assert.equal((await ask(client, "event.rj", "hi")).recipients, follows + 1);
  });

  it("a disk that takes writes again - changes are accepted within seconds, and a kill -9 loses none of them", async () => {
    limitFiles(graph.pid, "unlimited");
    await waitFor("readiness", async () => (await readiness()) === "ready\n");
    assert.equal(await metric("encke_graph_writable"), "1");
    assert.equal((await follow(30)).changed, 30);
    follows += 30;
    graph.kill("SIGKILL");
    await graph.untilExit();
    await startGraph();
    assert.equal((await ask(client, "graph.count.rj")).count, follows);
    const { changes } = await ask(client, "part.0.audit", { after: follows - 1 });
    assert.deepEqual(
      (changes as { sequence: number }[]).map(({ sequence }) => sequence),
      [follows],
    );
  });

  it("a backup into a folder that cannot be created - replies 507 at once and blocks neither the next backup nor a stop", async () => {
    for (const folder of ["/proc/x", "/proc/x/y", "/dev/null/x"]) {
      const { problem } = await ask(client, "part.0.backup", { folder });
      assert.equal(problem?.code, 507, folder);
      assert.match(problem?.message ?? "", /^the backup in ".*" failed \(E/);
    }
    const relative = await ask(client, "part.0.backup", { folder: "backups" });
    assert.equal(relative.problem?.code, 400);
    const reply = await ask(client, "part.0.backup", { folder: tempDir() });
    assert.equal(reply.follows, follows);
    await graph.stop();
    assert.equal(graph.exit, 0);
    await startGraph();
  });
});
