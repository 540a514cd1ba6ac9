// The services as separate processes over both brokers: the article's session, and faults afterwards.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { childrenOf } from "../lib/processes.ts";
import { EnckeCommand } from "./support/command.ts";
import { statusOf } from "./support/http.ts";
import { kill9 } from "./support/kill.ts";
import { natsServer, natsServers } from "./support/nats-servers.ts";
import { Reader } from "./support/reader.ts";
import { Services } from "./support/services.ts";
import { tempDir } from "./support/temp-dir.ts";
import { KEY } from "./support/tokens.ts";
import { waitFor } from "./support/wait-for.ts";

const SSE = { Accept: "text/event-stream" };

const SETUPS = [
  { broker: "embedded", fanout: "subject", server: { ...natsServer, name: "embedded broker", skip: false } },
  ...natsServers.map((server) => ({ broker: "nats-server", fanout: "frames", server }) as const),
] as const;

// the tests mostly wait for processes to start, so two setups run at once
describe("separate services", { concurrency: 2 }, () => {
  for (const { broker, fanout, server } of SETUPS) {
    describe(`over ${server.name}, ${fanout} fan-out`, { skip: server.skip, concurrency: 1 }, () => {
      let services: Services;
      const encke = (...args: string[]): Promise<EnckeCommand> => services.encke(...args);
      const send = async (
        payload: string,
      ): Promise<{ recipients: number; online: number; delivered: number }> =>
        JSON.parse((await encke("request", "event.rj", payload)).stdout);
      const ready = (): Promise<number> => statusOf(new URL("/readyz", services.admin));
      const read = (path: string, headers = {}): Promise<Reader> =>
        Reader.open(new URL(path, services.edge), headers);

      before(async () => {
        services = await Services.start({ broker, fanout, server });
      });
      after(() => services.stop());

      it("the article's session - gives the article's results", async () => {
        const changes = join(tempDir(), "changes.txt");
        writeFileSync(changes, "alice rj\nbob rj\n");
        assert.equal((await encke("graph", "add", "--file", changes)).stdout, "2 added, 0 unchanged\n");
        assert.equal((await encke("graph", "subscribers", "rj")).stdout, "alice\nbob\n");
        assert.equal((await encke("graph", "subscriptions", "alice")).stdout, "rj\n");
        assert.equal((await encke("graph", "count", "rj")).stdout, "2\n");
        const unseen = await send("no reader yet");
        assert.deepEqual([unseen.recipients, unseen.online, unseen.delivered], [3, 0, 0]);

        const alice = await read("/test/alice");
        const seen = await send("hello");
        assert.deepEqual([seen.recipients, seen.online, seen.delivered], [3, 1, 1]);
        await alice.until(/Recvd msg #1: 'hello'\n/);
        alice.close();

        const both = await read("/test/alice,carol");
        await waitFor(
          "alice's first stream to be forgotten",
          async () => (await send("again")).delivered === 1,
        );
        await both.until(/Recvd msg #\d+: 'again'\n/);
        both.close();

        assert.equal((await encke("graph", "remove", "bob", "rj")).stdout, "1 removed, 0 unchanged\n");
        assert.equal((await send("without bob")).recipients, 2);
        assert.equal(
          (await encke("graph", "add", "bob", "rj", "--json")).stdout,
          '{"changed":1,"unchanged":0}\n',
        );
      });

      it("msggen --verify - finds no loss, duplicate or disorder, and flood counts what arrives", async () => {
        const generated = await EnckeCommand.run(["graph", "generate", "--users", "300", "--edges", "5"]);
        const friends = join(tempDir(), "friends.txt");
        writeFileSync(friends, generated.stdout.replace(/(\d+) (\d+)\n/g, "$1 $2\n$2 $1\n"));
        await encke("graph", "add", "--file", friends);
        const flood = encke(
          ...["flood", "--url", services.edge.href, "--connections", "60", "--processes", "2"],
          ...["--rate", "500", "--seconds", "4", "--source", "127.0.0.1,127.0.0.9"],
        );
        const verdict = await encke(
          ...["msggen", "--verify", "--messages", "1500", "--interval", "0-2", "--senders", "5"],
          ...["--max", "300", "--streams", "150", "--url", services.edge.href],
        );
        assert.equal(verdict.exit, 0, verdict.stderr);
        const figures = JSON.parse(verdict.stdout);
        assert.ok(figures.expected > 3_000);
        assert.deepEqual(
          [figures.received, figures.lost, figures.duplicated, figures.reordered],
          [figures.expected, 0, 0, 0],
        );
        const counted = JSON.parse((await flood).stdout.trim().split("\n").at(-1) ?? "");
        assert.deepEqual([counted.active, counted.closed, counted.failed], [60, 0, 0]);
        assert.ok(counted.chunks > 60 && counted.latencyMs.p50 > 0);
      });

      it("a second graph service - is refused on the same folder and on the same NATS, with the reason", async () => {
        const same = await encke("graph", "serve", "--data", services.directory);
        assert.deepEqual([same.exit, /is served or loaded by another process/.test(same.stderr)], [1, true]);
        const other = await encke("graph", "serve", "--data", join(tempDir(), "other"));
        assert.deepEqual([other.exit, /is already running on this NATS/.test(other.stderr)], [1, true]);
        assert.equal((await encke("graph", "load", "-", "--data", services.directory)).exit, 1);
      });

      it("the broker killed under load - streams stay open, /readyz turns red, and everything reconnects", async () => {
        const reader = await read("/stream?user=alice", SSE);
        const load = encke(
          "msggen",
          "--messages",
          "4000",
          "--interval",
          "1",
          "--senders",
          "4",
          "--max",
          "300",
        );
        services.killBroker();
        await waitFor("/readyz to turn red", async () => (await ready()) === 503);
        assert.equal(await statusOf(new URL("/healthz", services.admin)), 200);
        assert.equal(reader.ended, undefined);
        await services.ready();
        await waitFor("an event to arrive", async () => {
          await encke("request", "event.rj", "we are back");
          return /we are back/.test(reader.text);
        });
        assert.equal(reader.ended, undefined);
        reader.close();
        await load;
      });

      it("a killed worker - is replaced on the same port", async () => {
        const [worker] = childrenOf(services.edgeSupervisor);
        kill9(worker);
        await waitFor("a new worker", () =>
          childrenOf(services.edgeSupervisor).some((pid) => pid !== worker),
        );
        await services.ready();
        const reader = await read("/stream?user=alice");
        await waitFor(
          "the graph to know the new worker",
          async () => (await send("to the new one")).delivered === 1,
        );
        reader.close();
      });

      it("SIGTERM - sends every stream its last chunk and exits 0", async () => {
        const leaving = await services.startEdge("--workers", "2");
        const url = new URL("/stream?user=alice", services.edgeOf(leaving));
        const readers = await Promise.all(Array.from({ length: 40 }, () => Reader.open(url, SSE)));
        leaving.kill("SIGTERM");
        await leaving.untilExit();
        assert.deepEqual([leaving.exit, leaving.stderr], [0, ""]);
        for (const reader of readers) {
          await reader.untilEnded();
          assert.equal(reader.ended, "complete");
          assert.match(reader.text, /retry: \d+\nevent: goodbye\ndata: \{"reason":"drain"\}/);
        }
      });

      it("encke token - opens the user's own stream on an edge with a key, and nothing else does", async () => {
        const env = { ENCKE_JWT_KEY: KEY };
        const keyed = await services.run(["edge", "--port", "0", "--admin-port", "0"], /edge at/, env);
        const url = new URL("/stream", services.edgeOf(keyed));
        assert.equal(await statusOf(url), 401);
        const token = (
          await EnckeCommand.run(["token", "--sub", "alice", "--ttl", "1m"], { env })
        ).stdout.trim();
        const reader = await Reader.open(url, { Authorization: `Bearer ${token}` });
        await send("signed in");
        await reader.until(/signed in/);
        reader.close();
      });

      it("a UNIX socket - is served with --allow-anonymous", async () => {
        const path = join(tempDir(), "edge.sock");
        await services.startEdge("--listen", `unix:${path}`, "--allow-anonymous");
        let text = "";
        const socket = createConnection(path).setEncoding("utf8");
        socket.on("data", (part: string) => {
          text += part;
        });
        socket.write("GET /test/alice HTTP/1.1\r\nHost: x\r\n\r\n");
        await waitFor("the welcome", () => /Your Id: alice/.test(text));
        socket.destroy();
      });
    });
  }
});
