// A graph service whose disk takes no writes for a while: a limit on file sizes set from outside, which LevelDB meets in
// the middle of a record. Replies name the disk, events go on, and what is acknowledged afterwards outlives a kill -9.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { BrokerClient, serviceErrorOf } from "../broker/index.ts";
import { createLogger } from "../lib/log.ts";
import { anyFreePort } from "../lib/ports.ts";
import { embedded, type TestBroker } from "./support/brokers.ts";
import { EnckeCommand } from "./support/command.ts";
import { tempDir } from "./support/temp-dir.ts";
import { waitFor } from "./support/wait-for.ts";

const hasPrlimit = spawnSync("prlimit", ["--version"]).status === 0;

/** Limits the size of the files that a process may write; without a number, none. */
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
      { env: { NATS_URL: broker.urls[0] } },
    );
  };
  const ask = async (subject: string, payload: string): Promise<Record<string, unknown>> => {
    const reply = await client.request(subject, payload, 5_000);
    const problem = serviceErrorOf(reply);
    return problem === undefined ? reply.json() : { problem };
  };
  const follow = (count: number): Promise<Record<string, unknown>> => {
    const ids = Array.from({ length: count }, (_, index) => `reader-${follows + index}`);
    return ask("graph.subscribe.rj", JSON.stringify(ids));
  };
  const readiness = async (): Promise<string> => (await fetch(`http://127.0.0.1:${adminPort}/readyz`)).text();
  const metric = async (name: string): Promise<string | undefined> => {
    const page = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
    return new RegExp(`^${name} (.*)$`, "m").exec(page)?.[1];
  };

  before(async () => {
    broker = await embedded.start();
    client = await BrokerClient.connect(
      { url: broker.urls[0] ?? "" },
      { name: "test", log: createLogger("test", "silent"), wait: false },
    );
    await startGraph();
  });
  after(async () => {
    await graph.stop();
    await client.close();
    await broker.stop();
  });

  it("write that fails - is refused with 507, and so is what follows, while events and lists go on", async () => {
    await follow(50);
    follows = 50;
    const log = readdirSync(directory).find((name) => name.endsWith(".log")) ?? "";
    limitFiles(graph.pid, statSync(join(directory, log)).size + 40_000);
    let refused: Record<string, unknown> = {};
    while (refused.problem === undefined) {
      refused = await follow(100);
      if (refused.problem === undefined) follows += 100;
    }
    const { code, message } = refused.problem as { code: number; message: string };
    assert.equal(code, 507);
    assert.match(message, /takes no changes \(.*File too large\): make room/);
    assert.match(JSON.stringify(await follow(1)), /"code":507/);
    assert.match(await readiness(), /not ready: no changes are taken, the disk failed \(.*File too large/);
    assert.equal(await metric("encke_graph_writable"), "0");
    assert.equal((await ask("graph.count.rj", "")).count, follows);
    assert.equal((await ask("event.rj", "hi")).recipients, follows + 1);
  });

  it("disk that takes writes again - takes changes within seconds, and a kill -9 loses none of them", async () => {
    limitFiles(graph.pid, "unlimited");
    await waitFor("readiness", async () => (await readiness()) === "ready\n");
    assert.equal(await metric("encke_graph_writable"), "1");
    assert.equal((await follow(30)).changed, 30);
    follows += 30;
    graph.kill("SIGKILL");
    await graph.untilExit();
    await startGraph();
    assert.equal((await ask("graph.count.rj", "")).count, follows);
    const { changes } = (await ask("part.0.audit", JSON.stringify({ after: follows - 1 }))) as {
      changes: { sequence: number }[];
    };
    assert.deepEqual(
      changes.map(({ sequence }) => sequence),
      [follows],
    );
  });

  it("backup into a folder that cannot be made - replies 507 at once, and the next one and a stop do not wait", async () => {
    for (const folder of ["/proc/x", "/proc/x/y", "/dev/null/x"]) {
      const { problem } = (await ask("part.0.backup", JSON.stringify({ folder }))) as {
        problem: { code: number; message: string };
      };
      assert.equal(problem.code, 507, folder);
      assert.match(problem.message, /^no backup in ".*" \(E/);
    }
    const relative = (await ask("part.0.backup", JSON.stringify({ folder: "backups" }))) as {
      problem: { code: number };
    };
    assert.equal(relative.problem.code, 400);
    const reply = await ask("part.0.backup", JSON.stringify({ folder: tempDir() }));
    assert.equal(reply.follows, follows);
    await graph.stop();
    assert.equal(graph.exit, 0);
    await startGraph();
  });
});
