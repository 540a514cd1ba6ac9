// memlog, plot and soak as users run them, against real services.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { childrenOf } from "../lib/processes.ts";
import { EnckeCommand } from "./support/command.ts";
import { Reader } from "./support/reader.ts";
import { Services } from "./support/services.ts";
import { tempDir } from "./support/temp-dir.ts";
import { waitFor } from "./support/wait-for.ts";

/** V8 lets the young generation grow for half a minute, which a run of seconds would take for a leak. */
const SMALL_YOUNG_GENERATION = "--max-semi-space-size=2";
const SOAK = ["soak", "--broker", "embedded", "--connections", "200", "--rate", "200", "--generators", "20"];

describe("encke memlog", () => {
  let services: Services;
  const log = join(tempDir(), "edge.tsv");
  const lines = (): string[] => (existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : []);

  before(async () => {
    services = await Services.start({ broker: "embedded" });
  });
  after(() => services.stop());

  it("an edge's admin port - gives one line per interval, with streams and memory of supervisor and worker", async () => {
    const command = await EnckeCommand.start(
      ["memlog", "--admin", services.admin.href, "--interval", "100ms", "--out", log],
      /^/,
    );
    await waitFor("a first line", () => lines().length > 1);
    const reader = await Reader.open(new URL("/test/7", services.edge));
    await waitFor("a line with a stream", () => /\t1\t\d+\t\d+\t\d+\t-?\d+\t2$/.test(lines().at(-1) ?? ""));
    reader.close();
    await waitFor("a line without a stream", () =>
      /\t0\t\d+\t\d+\t\d+\t-?\d+\t2$/.test(lines().at(-1) ?? ""),
    );
    await command.stop();
    assert.equal(command.exit, 0);
    assert.match(lines()[1] ?? "", /^\d{4}-\d\d-\d\dT[\d:.]+Z\t0\t\d{5,}\t/);
  });

  it("--pid - logs only those processes, as JSON with their sockets, and a second run appends to the file", async () => {
    const pid = String(services.pids.edge);
    const { stdout } = await EnckeCommand.run([
      "memlog",
      "--pid",
      pid,
      "--seconds",
      "1",
      "--interval",
      "1s",
      "--json",
    ]);
    const [first = "{}"] = stdout.split("\n");
    const { processes, connections, pss_kb: pssKb } = JSON.parse(first);
    assert.equal(processes, 1);
    assert.ok(connections >= 1 && pssKb > 5_000, first);
    const before = lines().length;
    await EnckeCommand.run(["memlog", "--pid", pid, "--seconds", "1", "--interval", "1s", "--out", log]);
    assert.ok(lines().length > before);
    assert.equal(lines().filter((line) => line.startsWith("time\t")).length, 1);
  });

  it("a process that has ended - exits 1 with the reason", async () => {
    const { pid } = spawnSync(process.execPath, ["--version"]);
    const { exit, stderr } = await EnckeCommand.run(["memlog", "--pid", String(pid)]);
    assert.match(stderr, /no process is left to log/);
    assert.equal(exit, 1);
  });

  it("plot - draws the log as SVG on standard output and as a PNG file, with reference lines", async () => {
    const png = join(tempDir(), "picture.png");
    const args = ["plot", log, "--article", "measured", "--reference", "before=300"];
    const { stdout } = await EnckeCommand.run(args);
    assert.match(stdout, /^<svg .*>before<.*450 MB for 10,000 connections<.*<\/svg>\n$/s);
    assert.equal((await EnckeCommand.run([...args, "--out", png])).exit, 0);
    assert.deepEqual([...readFileSync(png).subarray(0, 4)], [0x89, 0x50, 0x4e, 0x47]);
    const wrong = await EnckeCommand.run(["plot", log, "--out", "picture.gif"]);
    assert.deepEqual([wrong.exit, /ends in \.svg or \.png/.test(wrong.stderr)], [2, true]);
  });
});

describe("encke soak", () => {
  it("a short run - delivers everything, writes a report with a chart, and leaves nothing behind", async () => {
    const report = join(tempDir(), "soak");
    const scratch = tempDir();
    const { exit, stdout, stderr } = await EnckeCommand.run(
      [...SOAK, "--seconds", "6", "--report", report, "--json"],
      { env: { TMPDIR: scratch, NODE_OPTIONS: SMALL_YOUNG_GENERATION } },
    );
    assert.equal(exit, 0, stderr);
    const verdict = JSON.parse(stdout);
    assert.ok(verdict.sent >= 900, stdout);
    assert.deepEqual([verdict.delivered, verdict.read, verdict.closed], [verdict.sent, verdict.sent, 0]);
    assert.deepEqual(Object.keys(verdict.memory), ["edge", "graph", "broker"]);
    assert.ok(verdict.memory.edge.slope !== undefined && verdict.memory.edge.threshold > 1_000);
    const page = readFileSync(join(report, "report.md"), "utf8");
    assert.match(
      page,
      /^# Soak: 200 streams, 200 messages per second, 6 s\n\n\*\*(Everything is fine|Nothing was lost)/,
    );
    assert.deepEqual(readdirSync(report).sort(), [
      ...["broker.tsv", "edge.tsv", "graph.tsv", "memory.png", "memory.svg", "report.md"],
    ]);
    assert.deepEqual(readdirSync(scratch), []);
  });

  it("Ctrl-C - ends early with the report so far and leaves no process behind", async () => {
    const report = join(tempDir(), "soak");
    const log = join(report, "edge.tsv");
    const soak = await EnckeCommand.start(
      [...SOAK, "--seconds", "600", "--interval", "250ms", "--report", report],
      /^/,
    );
    await waitFor(
      "some lines of its log with all streams open",
      () => existsSync(log) && (readFileSync(log, "utf8").match(/\t200\t/g) ?? []).length > 5,
    );
    const children = childrenOf(soak.pid);
    assert.ok(children.length >= 4); // broker, graph, edge, clients
    await soak.stop();
    assert.equal(soak.exit, 0, soak.stderr);
    assert.match(soak.stdout, /(\d+) messages sent, \1 read; report in /);
    assert.ok(existsSync(join(report, "report.md")));
    for (const pid of children) assert.ok(!existsSync(`/proc/${pid}`), `${pid} still runs`);
  });
});
