// `encke up` and the services one by one, as processes: the newcomer's first minutes, and what goes wrong later.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { anyFreePort } from "../lib/ports.ts";
import { real } from "./support/brokers.ts";
import { EnckeCommand } from "./support/command.ts";
import { childrenOf, commandLineOf } from "./support/processes.ts";
import { RawHttp } from "./support/raw-http.ts";
import { Reader } from "./support/reader.ts";
import { tempDir } from "./support/temp-dir.ts";
import { waitFor } from "./support/wait-for.ts";

const KEY = "0123456789abcdef0123456789abcdef";

/** What `encke up` printed about itself. */
interface Up {
  readonly command: EnckeCommand;
  readonly page: URL;
  readonly admin: URL;
  readonly nats: string;
}

async function startUp(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Up> {
  const command = await EnckeCommand.start(
    ["up", "--data", join(tempDir(), "graph"), "--users", "200", ...args],
    /Ctrl-C/,
    { env },
  );
  return {
    command,
    page: new URL(command.find(/page +(\S+)/)),
    admin: new URL(command.find(/admin +(\S+)\/metrics/)),
    nats: command.find(/at (nats:\S+)/),
  };
}

async function status(url: URL): Promise<number> {
  const response = await fetch(url);
  await response.body?.cancel();
  return response.status;
}

describe("encke up", () => {
  const squatters: Server[] = [];
  before(async () => {
    // the default ports, taken: by us, or by whoever has them already
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
    it(`${kind}, every default port taken - moves, serves the page, delivers, drains`, { skip }, async () => {
      const up = await startUp(["--broker", kind]);
      try {
        for (const port of [up.page.port, up.admin.port, new URL(up.nats).port])
          assert.ok(!["8080", "9180", "4222"].includes(port));
        assert.equal(await status(up.page), 200);
        await waitFor("readiness", async () => (await status(new URL("/readyz", up.admin))) === 200);
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
        for (const child of children) assert.equal(commandLineOf(child), "", "nothing is left behind");
      } finally {
        await up.command.stop();
      }
    });
  }

  it("a second time on the same folder - the same graph; meanwhile, a clear refusal", async () => {
    const directory = join(tempDir(), "graph");
    const first = await startUp(["--broker", "embedded", "--data", directory]);
    try {
      await EnckeCommand.run(["graph", "add", "alice", "rj", "-s", first.nats]);
      const second = await EnckeCommand.run(["up", "--broker", "embedded", "--data", directory]);
      assert.equal(second.exit, 1);
      assert.match(
        second.stderr,
        /is served or loaded by another process: stop that one, or choose another folder with --data/,
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

  it("a port that was asked for and is taken - an error that says so", async () => {
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
    assert.match(stderr, new RegExp(`127\\.0\\.0\\.1:${port} is taken .*--port`));
  });
});

for (const kind of [
  { name: "embedded broker", args: ["--embedded"], skip: false as string | false },
  { name: "nats-server", args: [], skip: real.skip },
]) {
  describe(`the services one by one - ${kind.name}`, { skip: kind.skip }, () => {
    const running: EnckeCommand[] = [];
    const directory = join(tempDir(), "graph");
    let nats: string;
    let edge: EnckeCommand;
    let url: URL;
    let admin: URL;

    const start = async (
      args: readonly string[],
      ready: RegExp,
      env: Record<string, string> = {},
    ): Promise<EnckeCommand> => {
      const command = await EnckeCommand.start(args, ready, { env });
      running.push(command);
      return command;
    };
    const encke = (...args: string[]): Promise<EnckeCommand> =>
      EnckeCommand.run(args, { env: { NATS_URL: nats } });
    const startEdge = async (...args: string[]): Promise<EnckeCommand> =>
      start(["edge", "--port", "0", "--admin-port", "0", ...args], /edge at/, { NATS_URL: nats });
    const send = async (
      payload: string,
    ): Promise<{ recipients: number; online: number; delivered: number }> =>
      JSON.parse((await encke("request", "event.rj", payload)).stdout);

    before(async () => {
      const port = String(await anyFreePort("127.0.0.1"));
      nats = `nats://127.0.0.1:${port}`;
      await start(["broker", "--port", port, ...kind.args], /at nats:/);
      await start(["graph", "serve", "--data", directory], /graph of/, { NATS_URL: nats });
      edge = await startEdge();
      url = new URL(edge.find(/edge at (\S+),/));
      admin = new URL(edge.find(/admin at (\S+)/));
      await waitFor("readiness", async () => (await status(new URL("/readyz", admin))) === 200);
    });
    after(async () => {
      for (const command of running.reverse()) await command.stop();
    });

    it("the article's session - word for word in meaning", async () => {
      const changes = join(tempDir(), "changes.txt");
      writeFileSync(changes, "alice rj\nbob rj\n");
      assert.equal((await encke("graph", "add", "--file", changes)).stdout, "2 added, 0 were so already\n");
      assert.equal((await encke("graph", "subscribers", "rj")).stdout, "alice\nbob\n");
      assert.equal((await encke("graph", "subscriptions", "alice")).stdout, "rj\n");
      assert.equal((await encke("graph", "count", "rj")).stdout, "2\n");
      assert.deepEqual(
        await send("nobody there").then(({ recipients, online, delivered }) => [
          recipients,
          online,
          delivered,
        ]),
        [3, 0, 0],
      );

      const alice = await Reader.open(new URL("/test/alice", url));
      const seen = await send("hello");
      assert.deepEqual([seen.recipients, seen.online, seen.delivered], [3, 1, 1]);
      await alice.until(/Recvd msg #1: 'hello'\n/);
      alice.close();

      const both = await Reader.open(new URL("/test/alice,carol", url));
      await waitFor("alice's first stream to be gone", async () => (await send("again")).delivered === 1);
      await both.until(/Recvd msg #\d+: 'again'\n/);
      both.close();

      assert.equal((await encke("graph", "remove", "bob", "rj")).stdout, "1 removed, 0 were so already\n");
      assert.equal((await send("without bob")).recipients, 2);
      assert.equal(
        (await encke("graph", "add", "bob", "rj", "--json")).stdout,
        '{"changed":1,"unchanged":0}\n',
      );
    });

    it("msggen --verify - nothing lost, doubled or out of order; flood counts what comes", async () => {
      const friends = join(tempDir(), "friends.txt");
      writeFileSync(
        friends,
        (await EnckeCommand.run(["graph", "generate", "--users", "300", "--edges", "5"])).stdout,
      );
      const follows = readEdges(friends);
      writeFileSync(friends, follows);
      await encke("graph", "add", "--file", friends);
      const flood = EnckeCommand.run([
        "flood",
        "--url",
        url.href,
        "--connections",
        "60",
        "--processes",
        "2",
        "--rate",
        "500",
        "--seconds",
        "4",
        "--source",
        "127.0.0.1,127.0.0.9",
      ]);
      const verdict = await encke(
        "msggen",
        "--verify",
        "--messages",
        "1500",
        "--interval",
        "0-2",
        "--senders",
        "5",
        "--max",
        "300",
        "--streams",
        "150",
        "--url",
        url.href,
      );
      const figures = JSON.parse(verdict.stdout);
      assert.equal(verdict.exit, 0, verdict.stderr);
      assert.ok(figures.expected > 3_000);
      assert.deepEqual(
        [figures.received, figures.lost, figures.duplicated, figures.reordered],
        [figures.expected, 0, 0, 0],
      );
      const counted = JSON.parse((await flood).stdout.trim().split("\n").at(-1) ?? "");
      assert.deepEqual([counted.active, counted.closed, counted.failed], [60, 0, 0]);
      assert.ok(counted.chunks > 60 && counted.latencyMs.p50 > 0);
    });

    it("a second graph service - on the folder, and on this NATS: refused, each with its reason", async () => {
      const same = await encke("graph", "serve", "--data", directory);
      assert.deepEqual([same.exit, /is served or loaded by another process/.test(same.stderr)], [1, true]);
      const other = await encke("graph", "serve", "--data", join(tempDir(), "other"));
      assert.deepEqual([other.exit, /answers on this NATS already/.test(other.stderr)], [1, true]);
      assert.equal((await encke("graph", "load", "-", "--data", directory)).exit, 1);
    });

    it("the broker killed under load - streams stay open, /readyz turns red, all comes back by itself", async () => {
      const reader = await Reader.open(new URL("/stream?user=alice", url), { Accept: "text/event-stream" });
      const load = encke("msggen", "--messages", "4000", "--interval", "1", "--senders", "4", "--max", "300");
      const [broker] = running;
      const serverPid = kind.args.length === 0 ? childrenOf(broker?.pid ?? 0)[0] : undefined;
      if (serverPid !== undefined) process.kill(serverPid, "SIGKILL");
      else broker?.kill("SIGKILL");
      await waitFor("/readyz to turn red", async () => (await status(new URL("/readyz", admin))) === 503);
      assert.equal(await status(new URL("/healthz", admin)), 200);
      assert.equal(reader.ended, undefined);
      if (serverPid === undefined)
        running[0] = await EnckeCommand.start(
          ["broker", "--port", new URL(nats).port, ...kind.args],
          /at nats:/,
        );
      await waitFor("/readyz to turn green", async () => (await status(new URL("/readyz", admin))) === 200);
      await reader.until(/event: resync\ndata: \{"reason":"nats-reconnected"\}/);
      await waitFor("an event to arrive", async () => {
        await encke("request", "event.rj", "we are back");
        return /we are back/.test(reader.text);
      });
      assert.equal(reader.ended, undefined);
      reader.close();
      await load;
    });

    it("a worker killed - is replaced on the same port", async () => {
      const [worker] = childrenOf(edge.pid);
      process.kill(worker ?? 0, "SIGKILL");
      await waitFor("a new worker", () => childrenOf(edge.pid).some((pid) => pid !== worker));
      await waitFor("readiness", async () => (await status(new URL("/readyz", admin))) === 200);
      const reader = await Reader.open(new URL("/stream?user=alice", url));
      assert.equal((await send("to the new worker")).delivered, 1);
      reader.close();
    });

    it("SIGTERM - every stream gets its last chunk, the process exits 0", async () => {
      const leaving = await startEdge("--workers", "2");
      const target = new URL(leaving.find(/edge at (\S+),/));
      const readers = await Promise.all(
        Array.from({ length: 40 }, () =>
          Reader.open(new URL("/stream?user=alice", target), { Accept: "text/event-stream" }),
        ),
      );
      leaving.kill("SIGTERM");
      await leaving.untilExit();
      assert.deepEqual([leaving.exit, leaving.stderr], [0, ""]);
      for (const reader of readers) {
        await reader.untilEnded();
        assert.equal(reader.ended, "complete");
        assert.match(reader.text, /retry: \d+\nevent: goodbye\ndata: \{"reason":"drain"\}/);
      }
    });

    it("tokens - `encke token` opens one's own stream on an edge with a key, nothing else does", async () => {
      const keyed = await start(["edge", "--port", "0", "--admin-port", "0"], /edge at/, {
        NATS_URL: nats,
        ENCKE_JWT_KEY: KEY,
      });
      const target = new URL("/stream", keyed.find(/edge at (\S+),/));
      assert.equal(await status(target), 401);
      const token = (
        await EnckeCommand.run(["token", "--sub", "alice", "--ttl", "1m"], { env: { ENCKE_JWT_KEY: KEY } })
      ).stdout.trim();
      const reader = await Reader.open(target, { Authorization: `Bearer ${token}` });
      await send("signed in");
      await reader.until(/signed in/);
      reader.close();
    });

    it("a UNIX socket - serves, with anonymous reading said in so many words", async () => {
      const path = join(tempDir(), "edge.sock");
      await startEdge("--listen", `unix:${path}`, "--allow-anonymous");
      const { createConnection } = await import("node:net");
      let text = "";
      const socket = createConnection(path)
        .setEncoding("utf8")
        .on("data", (part: string) => {
          text += part;
        });
      socket.write("GET /test/alice HTTP/1.1\r\nHost: x\r\n\r\n");
      await waitFor("the welcome", () => /Your Id: alice/.test(text));
      socket.destroy();
    });

    it("half a request - is answered 408 and closed; the edge goes on", async () => {
      const raw = new RawHttp(Number(url.port)).send("GET /stream?user=7 HTTP/1.1\r\nHost: x\r\nX-Half: ");
      await raw.untilEnded();
      assert.match(raw.text, /^HTTP\/1\.1 408 /);
      const bad = new RawHttp(Number(url.port)).send("\x00\x01\x02\r\n\r\n");
      await bad.untilEnded();
      assert.match(bad.text, /^HTTP\/1\.1 400 /);
      const long = new RawHttp(Number(url.port)).send(
        `GET /test/${"x".repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
      );
      await long.untilEnded();
      assert.match(long.text, /^HTTP\/1\.1 431 /);
      assert.equal(await status(new URL("/readyz", admin)), 200);
    });
  });
}

/** An edge list as changes, both ways. */
function readEdges(file: string): string {
  return fileLines(file)
    .map((line) => line.split(" "))
    .map(([a, b]) => `${a} ${b}\n${b} ${a}\n`)
    .join("");
}

function fileLines(file: string): string[] {
  return readFileSync(file, "utf8").trim().split("\n");
}
