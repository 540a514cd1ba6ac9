// `encke up` as a newcomer runs it: on the ports that are free, with the broker that is installed.

import assert from "node:assert/strict";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { childrenOf, commandLineOf } from "../lib/processes.ts";
import { real } from "./support/brokers.ts";
import { EnckeCommand } from "./support/command.ts";
import { statusOf } from "./support/http.ts";
import { RawHttp } from "./support/raw-http.ts";
import { Reader } from "./support/reader.ts";
import { tempDir } from "./support/temp-dir.ts";
import { waitFor } from "./support/wait-for.ts";

/** The addresses that `encke up` printed. */
interface Up {
  readonly command: EnckeCommand;
  readonly page: URL;
  readonly admin: URL;
  readonly nats: string;
}

async function startUp(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  descriptors?: number,
): Promise<Up> {
  const all = ["up", "--data", join(tempDir(), "graph"), "--users", "200", ...args];
  const command = await EnckeCommand.start(all, /Ctrl-C/, { env, ...(descriptors && { descriptors }) });
  return {
    command,
    page: new URL(command.find(/page +(\S+)/)),
    admin: new URL(command.find(/admin +(\S+)\/metrics/)),
    nats: command.find(/at (nats:\S+)/),
  };
}

describe("encke up", () => {
  const squatters: Server[] = [];
  before(async () => {
    // takes the default ports, unless another process has them already
    for (const port of [8_080, 9_180, 4_222]) {
      const squatter = createServer().on("error", () => {});
      squatters.push(squatter);
      await new Promise<void>((resolve) =>
        squatter.listen(port, "127.0.0.1", resolve).once("error", () => resolve()),
      );
    }
  });
  after(() => {
    for (const squatter of squatters) squatter.close();
  });

  const kinds = [
    ["embedded", false],
    ["nats-server", real.skip],
  ] as const;
  for (const [kind, skip] of kinds) {
    it(`${kind}, every default port taken - moves to other ports, serves the page, delivers and drains`, {
      skip,
    }, async () => {
      const up = await startUp(["--broker", kind]);
      try {
        for (const port of [up.page.port, up.admin.port, new URL(up.nats).port])
          assert.ok(!["8080", "9180", "4222"].includes(port));
        const moved = up.command.stdout.match(
          /^Port \d+ is taken: .* listens there\. The .* uses port \d+ instead\.$/gm,
        );
        assert.equal(moved?.length, 3, "each moved port names the process in the way");
        assert.equal(await statusOf(up.page), 200);
        await waitFor("readiness", async () => (await statusOf(new URL("/readyz", up.admin))) === 200);
        const [commands] = [up.command.stdout.split("\n").filter((line) => /^ {2}(npx|nats) /.test(line))];
        assert.equal(commands.length, 3);
        assert.match(commands[0] ?? "", /^ {2}npx encke pub -s nats:\/\/127\.0\.0\.1:\d+ event\.42 /);
        assert.match(commands[1] ?? "", /^ {2}nats pub -s nats:\/\/127\.0\.0\.1:\d+ event\.42 /);

        const friend =
          (await EnckeCommand.run(["graph", "subscribers", "42", "-s", up.nats])).stdout.split("\n")[0] ?? "";
        const reader = await Reader.open(new URL(`/stream?user=${friend}`, up.page));
        assert.equal((await EnckeCommand.run(["pub", "event.42", "hello", "-s", up.nats])).exit, 0);
        await reader.untilEvents(1);
        assert.equal(reader.events[0]?.data, "hello");
        const { stdout } = await EnckeCommand.run(["request", "event.42", "who saw this?"], {
          env: { NATS_URL: up.nats },
        });
        const seen = JSON.parse(stdout);
        assert.deepEqual([seen.online, seen.delivered, seen.timedOut], [1, 1, 0]);
        const metrics = await (await fetch(new URL("/metrics", up.admin))).text();
        assert.match(metrics, /^encke_edge_streams 1$/m);
        assert.match(metrics, /^encke_graph_events_total\{result="expanded"\} 2$/m);

        const children = childrenOf(up.command.pid);
        assert.equal(children.length, 2, "a broker and a worker");
        await up.command.stop();
        assert.deepEqual([up.command.exit, up.command.stderr], [0, ""]);
        await reader.untilEnded();
        assert.equal(reader.ended, "complete");
        assert.match(reader.text, /"goodbye":\{"reason":"drain","retryMs":\d+\}/);
        for (const child of children) assert.equal(commandLineOf(child), "", "no process is left behind");
      } finally {
        await up.command.stop();
      }
    });
  }

  it("a second start on the same folder - is refused while the first runs, and then serves the same graph", async () => {
    const directory = join(tempDir(), "graph");
    const first = await startUp(["--broker", "embedded", "--data", directory]);
    try {
      await EnckeCommand.run(["graph", "add", "alice", "rj", "-s", first.nats]);
      const second = await EnckeCommand.run(["up", "--broker", "embedded", "--data", directory]);
      assert.equal(second.exit, 1);
      assert.match(
        second.stderr,
        /is served or loaded by another process: stop that process, or choose another folder with --data/,
      );
    } finally {
      await first.command.stop();
    }
    const again = await startUp(["--broker", "embedded", "--data", directory]);
    assert.equal(
      (await EnckeCommand.run(["graph", "subscribers", "rj", "-s", again.nats])).stdout,
      "alice\n",
    );
    await again.command.stop();
  });

  it("NATS_URL - is used as given, and no broker is started", async () => {
    const broker = await EnckeCommand.start(["broker", "--embedded", "--port", "0"], /at nats:/);
    const nats = broker.find(/at (nats:\S+)/);
    const up = await startUp([], { NATS_URL: nats });
    assert.match(up.command.stdout, new RegExp(`broker +NATS at ${nats}`));
    assert.equal(childrenOf(up.command.pid).length, 1, "a worker");
    assert.equal((await EnckeCommand.run(["graph", "count", "42", "-s", nats])).exit, 0);
    await up.command.stop();
    await broker.stop();
  });

  it("too few descriptors - streams are refused with Retry-After before the process runs out", async () => {
    const up = await startUp(["--broker", "embedded"], {}, 320);
    const flood = await EnckeCommand.run([
      "flood",
      "--url",
      up.page.href,
      "--connections",
      "200",
      "--seconds",
      "1",
    ]);
    const { active, failed } = JSON.parse(flood.stdout.trim().split("\n").at(-1) ?? "");
    assert.deepEqual([active, failed], [64, 136]);
    assert.match(flood.stderr, /status 503/);
    assert.equal((await EnckeCommand.run(["request", "event.42", "still here", "-s", up.nats])).exit, 0);
    await up.command.stop();
    assert.deepEqual([up.command.exit, up.command.stderr], [0, ""]);
  });

  it("an explicitly given port that is taken - is an error that names it", async () => {
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(0, "127.0.0.1", resolve));
    const { port } = squatter.address() as { port: number };
    const { exit, stderr } = await EnckeCommand.run([
      "up",
      "--broker",
      "embedded",
      "--data",
      join(tempDir(), "g"),
      "--users",
      "50",
      "--port",
      String(port),
    ]);
    squatter.close();
    assert.equal(exit, 1);
    assert.match(stderr, new RegExp(`127\\.0\\.0\\.1:${port} is taken.*--port`));
  });

  it("half a request - gets 408 and is closed, and the edge keeps serving", async () => {
    const up = await startUp(["--broker", "embedded"]);
    const port = Number(up.page.port);
    const raw = new RawHttp(port).send("GET /stream?user=7 HTTP/1.1\r\nHost: x\r\nX-Half: ");
    await raw.untilEnded();
    assert.match(raw.text, /^HTTP\/1\.1 408 /);
    const bad = new RawHttp(port).send("\x00\x01\x02\r\n\r\n");
    await bad.untilEnded();
    assert.match(bad.text, /^HTTP\/1\.1 400 /);
    const long = new RawHttp(port).send(`GET /test/${"x".repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await long.untilEnded();
    assert.match(long.text, /^HTTP\/1\.1 431 /);
    assert.equal(await statusOf(up.page), 200);
    await up.command.stop();
  });
});
