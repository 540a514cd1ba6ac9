// Partitions as an operator runs and moves them: separate processes, and the commands of docs/operations.md.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { partitionMappings } from "../broker/contract.ts";
import type { BrokerClient } from "../broker/index.ts";
import { onFreePort } from "./support/brokers.ts";
import { connectClient } from "./support/client.ts";
import { EnckeCommand } from "./support/command.ts";
import { natsServers } from "./support/nats-servers.ts";
import { Reader } from "./support/reader.ts";
import { tempDir } from "./support/temp-dir.ts";
import { waitFor } from "./support/wait-for.ts";

const USERS = 60;
const FRIENDS = 3;

// the tests mostly wait for processes, so both servers are tried at once
describe("partitions - run and moved by commands", { concurrency: 2 }, () => {
  for (const server of natsServers) {
    describe(`over ${server.name}`, { skip: server.skip, concurrency: 1 }, () => {
      const folder = tempDir();
      const friendships = join(folder, "friends.txt");
      const exported = join(folder, "exported.txt");
      const dir = (name: string): string => join(folder, name);
      const users = Array.from({ length: USERS }, (_, n) => String(n + 1));
      const started: EnckeCommand[] = [];
      let nats: string;
      let client: BrokerClient;
      let edge: URL;
      let readers: Map<string, Reader>;
      let owner: EnckeCommand;

      const encke = (...args: string[]): Promise<EnckeCommand> =>
        EnckeCommand.run(args, { env: { NATS_URL: nats } });
      const start = async (ready: RegExp, ...args: string[]): Promise<EnckeCommand> => {
        const command = await EnckeCommand.start(args, ready, {
          env: { NATS_URL: nats, NATS_SERVER: server.binary },
        });
        started.unshift(command);
        return command;
      };
      const serve = (name: string, partitions: string): Promise<EnckeCommand> =>
        start(/graph of/, "graph", "serve", "--data", dir(name), "--partitions", partitions);
      const followersOf = async (topic: string): Promise<string[]> =>
        (await client.request(`graph.subscribers.${topic}`, "", 2_000)).json<{ subscribers: string[] }>()
          .subscribers;
      /**
       * Publishes one event per user. Each reader receives those of the users it follows and its own, once.
       */
      const expectEventsOfAll = async (round: string): Promise<void> => {
        const expected = new Map(users.map((user) => [user, [user]]));
        for (const author of users) {
          const followers = await followersOf(author);
          for (const follower of followers) expected.get(follower)?.push(author);
          const { recipients, delivered } = (await client.request(`event.${author}`, round, 2_000)).json<{
            recipients: number;
            delivered: number;
          }>();
          assert.deepEqual([recipients, delivered], [followers.length + 1, followers.length + 1], author);
        }
        for (const [user, reader] of readers) {
          const wanted = expected.get(user) ?? [];
          const got = (): unknown[] =>
            reader.events.filter(({ data }) => data === round).map(({ topic }) => topic);
          // written to the connection does not mean read from it
          await waitFor(`${wanted.length} events at ${user}`, () => got().length >= wanted.length);
          assert.deepEqual(got().sort(), wanted.sort(), `${round}: ${user}`);
        }
      };
      const untilSure = (): Promise<void> =>
        waitFor("every stream to be certain again", async () => {
          for (const author of users) {
            const seen = (await client.request(`event.${author}`, "sure?", 2_000)).json<{
              delivered: number;
            }>();
            if (seen.delivered !== (await followersOf(author)).length + 1) return false;
          }
          return true;
        });

      before(async () => {
        const lines = users.flatMap((_, n) =>
          Array.from({ length: FRIENDS }, (__, k) => `${n + 1} ${((n + 1 + k * 7) % USERS) + 1}`),
        );
        writeFileSync(friendships, `${lines.join("\n")}\n`);
        await onFreePort(undefined, async (port) => {
          nats = `nats://127.0.0.1:${port}`;
          await start(/at nats:/, "broker", "--port", String(port), "--partitions", "4");
        });
        client = await connectClient({ url: nats });
        const loaded = await encke(
          "graph",
          "load",
          friendships,
          "--data",
          dir("all"),
          "--partitions",
          "0-3/4",
        );
        assert.equal(loaded.exit, 0, loaded.stderr);
        assert.match(
          loaded.stdout,
          /^360 follow relations added, 360 in the graph; .* 0 in other partitions\n$/,
        );
        owner = await serve("all", "0-3/4");
        const flags = ["--port", "0", "--admin-port", "0", "--fanout", "frames"];
        edge = new URL((await start(/edge at/, "edge", ...flags)).find(/edge at (\S+),/));
        readers = new Map();
        for (const user of users) readers.set(user, await Reader.open(new URL(`/stream?user=${user}`, edge)));
      });
      after(async () => {
        for (const reader of readers.values()) reader.close();
        await client.close();
        for (const command of started) await command.stop();
      });

      it("one owner of all partitions - serves them and takes changes", async () => {
        await expectEventsOfAll("before");
        assert.equal((await encke("graph", "add", "1", "30")).stdout, "1 added, 0 unchanged\n");
        assert.equal((await encke("graph", "remove", "2", "3")).stdout, "1 removed, 0 unchanged\n");
        await expectEventsOfAll("changed");
      });

      it("a move to two services - causes a resync per partition, and then no event is missed", async () => {
        const lines: string[] = [];
        for (const topic of users)
          for (const subscriber of await followersOf(topic)) lines.push(`${subscriber} ${topic}\n`);
        writeFileSync(exported, lines.join(""));
        await owner.stop();
        await assert.rejects(client.request("event.1", "in the gap", 2_000), { code: "NO_RESPONDERS" });
        let relations = 0;
        for (const [name, share] of [
          ["low", "0-1/4"],
          ["high", "2-3/4"],
        ] as const) {
          const args = ["--as", "subscriptions", "--data", dir(name), "--partitions", share, "--json"];
          const report = JSON.parse((await encke("graph", "load", exported, ...args)).stdout);
          assert.equal(report.added + report.elsewhere, 360);
          relations += report.added;
          await serve(name, share);
        }
        assert.equal(relations, 360);
        for (const reader of readers.values())
          await reader.until(/(?:"resync":\{"reason":"unknown-cursor"[\s\S]*){4}/);
        await untilSure();
        await expectEventsOfAll("moved");
        assert.equal(
          (await encke("graph", "subscriptions", "1")).stdout.split("\n").filter(Boolean).sort().join(),
          (
            await Promise.all(
              users.map(async (topic) => ((await followersOf(topic)).includes("1") ? [topic] : [])),
            )
          )
            .flat()
            .sort()
            .join(),
        );
      });

      it("the old folder or a part of it - is refused", async () => {
        const part = await encke("graph", "serve", "--data", dir("all"), "--partitions", "2-3/4");
        assert.equal(part.exit, 1);
        assert.match(part.stderr, /holds partitions 0-3\/4 and not 2-3\/4/);
        const all = await encke("graph", "serve", "--data", dir("all"), "--partitions", "0-3/4");
        assert.match(all.stderr, /already running on this NATS for partition \d of 4: stop it first/);
        const wrong = await encke("graph", "serve", "--partitions", "4/4");
        assert.deepEqual([wrong.exit, /as 0-3\/16/.test(wrong.stderr)], [2, true]);
      });

      it("kill -9 of one service - does not stop the other's events, and its return restores everything", async () => {
        const high = started[0];
        assert.ok(high !== undefined);
        high.kill("SIGKILL");
        await high.untilExit();
        await waitFor("NATS to notice that it is gone", () =>
          client.request("event.3", "gone?", 2_000).then(
            () => false,
            (error: { code?: string }) => error.code === "NO_RESPONDERS",
          ),
        );
        // "3" is in partition 2 of 4, "1" in 0
        const { delivered } = (await client.request("event.1", "goes on", 2_000)).json<{
          delivered: number;
        }>();
        assert.equal(delivered, (await followersOf("1")).length + 1);
        const told = [...readers.values()].map((reader) => reader.text.length);
        await serve("high", "2-3/4");
        for (const [index, reader] of [...readers.values()].entries())
          await waitFor("a resync at every reader", () =>
            /graph-restarted/.test(reader.text.slice(told[index])),
          );
        await untilSure();
        await expectEventsOfAll("afterwards");
      });

      it("--print-config - prints what our own nats-server uses, and the embedded broker refuses partitions", async () => {
        const printed = await encke("broker", "--print-config", "--partitions", "16");
        assert.equal(printed.stdout, partitionMappings(16));
        const undivided = await encke("broker", "--print-config");
        assert.match(undivided.stdout, /^mappings = \{\}$/m, "a reload must be able to remove the mappings");
        const embedded = await encke("broker", "--embedded", "--partitions", "4");
        assert.deepEqual([embedded.exit, /no partitions/.test(embedded.stderr)], [2, true]);
      });
    });
  }
});
