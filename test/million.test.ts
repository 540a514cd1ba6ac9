// `encke million`, `doctor` and `flood` as users run them.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { childrenOf, commandLineOf } from "../lib/processes.ts";
import { EnckeCommand } from "./support/command.ts";
import { ScriptedServer } from "./support/scripted-server.ts";
import { tempDir } from "./support/temp-dir.ts";
import { waitFor } from "./support/wait-for.ts";

const CONNECTIONS = 1_000;

describe("encke million - 1,000 connections", () => {
  const kinds: readonly (readonly [string, readonly string[], number])[] = [
    ["messages to users", ["--seconds", "3", "--rate", "300"], 1],
    [
      "events in the article's text format, the other fan-out mode",
      ["--seconds", "2", "--rate", "60", "--to", "event", "--path", "test", "--fanout", "subject"],
      10,
    ],
  ];
  for (const [what, flags, min] of kinds) {
    it(`${what} - every stream receives what the graph determines, and a report says so`, async () => {
      const report = join(tempDir(), "report");
      const scratch = tempDir();
      const args = ["million", "--connections", String(CONNECTIONS), "--json", "--report", report, ...flags];
      const { stdout, stderr, exit } = await EnckeCommand.run(args, { env: { TMPDIR: scratch } });
      assert.equal(exit, 0, stderr);
      const figures = JSON.parse(stdout) as Record<string, number>;
      const { opened, failed, closed, lost, duplicated, different } = figures;
      assert.deepEqual(
        { opened, failed, closed, lost, duplicated, different },
        { opened: CONNECTIONS, failed: 0, closed: 0, lost: 0, duplicated: 0, different: 0 },
      );
      const { messages = 0, deliveries = 0, expected = 0 } = figures;
      assert.ok(messages > 50, `${messages} messages`);
      assert.ok(deliveries >= min * messages, `${deliveries} deliveries of ${messages} messages`);
      assert.equal(deliveries, expected);
      assert.match(readFileSync(join(report, "report.md"), "utf8"), /Everything opened, nothing was lost/);
      assert.match(readFileSync(join(report, "memory.svg"), "utf8"), /^<svg|^<\?xml/);
      assert.deepEqual(readdirSync(scratch), []);
    });
  }

  it("an edge worker that dies under load - makes it exit 1 and report what was lost", async () => {
    const report = join(tempDir(), "report");
    const args = [
      "million",
      "--connections",
      String(CONNECTIONS),
      "--seconds",
      "3",
      "--rate",
      "300",
      "--report",
      report,
    ];
    const command = await EnckeCommand.start(args, /^/);
    await waitFor("messages under way", () => command.stderr.includes("messages per second"));
    const grandchildren = childrenOf(command.pid).flatMap(childrenOf);
    const [worker = 0] = grandchildren.filter((pid) => /cli\/worker\.js/.test(commandLineOf(pid)));
    process.kill(worker, "SIGKILL");
    await command.untilExit();
    assert.equal(command.exit, 1);
    assert.match(command.stderr, /1,000 closed/);
    assert.match(readFileSync(join(report, "report.md"), "utf8"), /Not all went well/);
  });

  it("Ctrl-C - ends every process, removes the graph and writes no report", async () => {
    const report = join(tempDir(), "report");
    const scratch = tempDir();
    const command = await EnckeCommand.start(
      ["million", "--connections", String(CONNECTIONS), "--report", report],
      /^/,
      { env: { TMPDIR: scratch } },
    );
    await waitFor("messages under way", () => command.stderr.includes("messages per second"));
    const pids = childrenOf(command.pid).flatMap((pid) => [pid, ...childrenOf(pid)]);
    assert.ok(pids.length >= 4, `${pids.length} processes`);
    await command.stop();
    assert.deepEqual(
      pids.map(commandLineOf),
      pids.map(() => ""),
    );
    assert.deepEqual([existsSync(report), readdirSync(scratch)], [false, []]);
  });
});

describe("encke flood", () => {
  const OPEN = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n";
  const FULL = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";

  it("several processes and addresses, all at once - open every stream once and add up all counts", async () => {
    const server = await ScriptedServer.start((socket) => socket.write(OPEN));
    const { stdout, stderr, exit } = await EnckeCommand.run([
      ...[
        "flood",
        "--url",
        `http://127.0.0.1:${server.port}/test/`,
        "--connections",
        "301",
        "--first-id",
        "5",
      ],
      ...["--processes", "3", "--rate", "0", "--source", "127.0.66.1,127.0.66.2", "--seconds", "1"],
    ]);
    server.stop();
    assert.equal(exit, 0, stderr);
    const { active, closed, failed, chunks, bytes } = JSON.parse(stdout) as Record<string, number>;
    assert.deepEqual([active, closed, failed, chunks, bytes], [301, 0, 0, 301, 602]);
    assert.deepEqual(
      [...server.sockets.keys()].sort((a, b) => a - b),
      Array.from({ length: 301 }, (_, index) => index + 5),
    );
  });

  it("--reopen with a server that refuses - ends in the given time with exit 1", async () => {
    const server = await ScriptedServer.start((socket, id) => socket.write(id === 1 ? OPEN : FULL));
    const { stdout, stderr, exit } = await EnckeCommand.run([
      ...["flood", "--url", `http://127.0.0.1:${server.port}/test/`, "--connections", "3", "--reopen"],
      ...["--seconds", "2"],
    ]);
    server.stop();
    assert.equal(exit, 1);
    assert.match(stderr, /status 503\n.*2 of 3 streams did not open/);
    const { active, closed, retried = 0 } = JSON.parse(stdout) as Record<string, number>;
    assert.deepEqual([active, closed, retried >= 2], [1, 0, true]);
  });
});

describe("encke doctor", () => {
  it("a missing prerequisite - exits 1, else 0; prints a table or JSON", async () => {
    const fine = await EnckeCommand.run(["doctor", "--connections", "1000"]);
    assert.equal(fine.exit, 0, fine.stderr);
    assert.match(fine.stdout, /^ok +memory available/m);
    const { stdout, stderr, exit } = await EnckeCommand.run([
      "doctor",
      "--connections",
      "2000000000",
      "--json",
    ]);
    assert.equal(exit, 1);
    assert.match(stderr, /does not hold 2,000,000,000 connections: .*memory available/);
    const { checks } = JSON.parse(stdout) as { checks: { name: string; verdict: string; remedy: string }[] };
    const memory = checks.find(({ name }) => name === "memory available");
    assert.equal(memory?.verdict, "bad");
    assert.match(memory?.remedy ?? "", /^encke million --connections \d+$/);
  });
});
