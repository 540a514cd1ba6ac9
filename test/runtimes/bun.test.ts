// The edge's app under another runtime.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { projectRoot } from "../../lib/project.ts";
import { embedded, urlOf } from "../support/brokers.ts";
import { TestNetwork } from "../support/network.ts";
import { Reader } from "../support/reader.ts";
import { waitFor } from "../support/wait-for.ts";

const bun = findBun();

describe("the edge under Bun", {
  skip: bun === undefined ? "npm has no Bun for this platform" : false,
}, () => {
  let network: TestNetwork;
  let child: ChildProcess;
  let url: URL;
  let exit: number | null | undefined;

  before(async () => {
    network = await TestNetwork.start({ broker: embedded, fleet: [], follows: [["7", "42"]] });
    let output = "";
    child = spawn(bun ?? "", [join(projectRoot, "dist", "test", "runtimes", "bun-edge.js")], {
      env: { ...process.env, NATS_URL: urlOf(network.broker) },
      stdio: ["ignore", "pipe", "inherit"],
    });
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    child.on("exit", (code) => {
      exit = code;
    });
    await waitFor("Bun to serve", () => /^\d+\n/.test(output) || exit !== undefined);
    url = new URL(`http://127.0.0.1:${Number.parseInt(output, 10)}`);
  });
  after(async () => {
    if (exit === undefined) child.kill("SIGKILL");
    await network.stop();
  });

  it("streams - receive events in all three formats, and a counted send counts them", async () => {
    const lines = await Reader.open(new URL("/stream?user=7", url));
    const sse = await Reader.open(new URL("/stream?user=7", url), { Accept: "text/event-stream" });
    const text = await Reader.open(new URL("/test/7", url));
    const { online, delivered, timedOut } = await network.send("event.42", '{"from":"node"}');
    assert.deepEqual({ online, delivered, timedOut }, { online: 1, delivered: 3, timedOut: 0 });
    await lines.untilEvents(1);
    await sse.until(/data: \{"id":"[^"]+","topic":"42",.*"data":\{"from":"node"\}\}\n\n/);
    await text.until(/Recvd msg #1: '\{"from":"node"\}'\n/);
    sse.close();
    text.close();
    await waitFor(
      "Bun to notice the closed streams",
      async () => (await network.send("event.42", "again")).delivered === 1,
    );
    lines.close();
  });

  it("errors - are the same as under Node", async () => {
    assert.equal((await fetch(new URL("/test/a.b", url))).status, 400);
    assert.equal((await fetch(new URL("/nothing", url))).status, 404);
    assert.equal((await fetch(new URL("/stream?user=7", url), { method: "PUT" })).status, 405);
  });

  it("SIGTERM - sends the last words and exits", async () => {
    const reader = await Reader.open(new URL("/stream?user=7", url));
    child.kill("SIGTERM");
    await reader.untilEnded();
    assert.match(reader.text, /"goodbye":\{"reason":"drain"/);
    await waitFor("Bun to end", () => exit !== undefined);
    assert.equal(exit, 0);
  });
});

/** Path of the Bun that npm installed; undefined if npm has none for this platform. */
function findBun(): string | undefined {
  const path = join(
    projectRoot,
    "node_modules",
    "@oven",
    `bun-${process.platform}-${process.arch}`,
    "bin",
    "bun",
  );
  try {
    accessSync(path, constants.R_OK);
    return path;
  } catch {
    return undefined; // an optional package that does not exist for every platform
  }
}
