// Changes to the graph over NATS while events flow: they apply to the next event in both fan-out modes, and
// survive a restart of the service.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { GraphStore, restoreBackup } from "../graph/index.ts";
import { brokers } from "./support/brokers.ts";
import { ask as askOver, type Reply } from "./support/client.ts";
import { TestNetwork } from "./support/network.ts";
import { tempDir } from "./support/temp-dir.ts";

for (const broker of brokers) {
  for (const fanout of ["subject", "frames"] as const) {
    describe(`changes over ${broker.name}, ${fanout} fan-out`, { skip: broker.skip }, () => {
      let network: TestNetwork;
      const ask = (subject: string, payload?: string | object): Promise<Reply> =>
        askOver(network.client, subject, payload);
      const recipients = async (payload: string): Promise<number> =>
        (await network.send("event.rj", payload)).recipients;

      before(async () => {
        network = await TestNetwork.start({
          broker,
          fleet: [fanout],
          follows: [
            ["alice", "rj"],
            ["bob", "rj"],
            ["alice", "photo.789"],
            ["bob", "photo.789"],
            ["bob", "carol"],
          ],
        });
        await network.ready();
      });
      after(() => network.stop());

      it("mute - stops events from the next one on and across a restart, until unmuted", async () => {
        const [alice, bob] = [
          await network.read("/stream?user=alice"),
          await network.read("/stream?user=bob"),
        ];
        assert.deepEqual(await ask("graph.mute.rj", "alice"), { topic: "rj", changed: 1, unchanged: 0 });
        assert.equal(await recipients("muted-1"), 2);
        await network.restartGraphs();
        assert.equal(await recipients("muted-2"), 2);
        await bob.until(/muted-2/);
        assert.deepEqual(await ask("graph.subscribers.rj"), { topic: "rj", subscribers: ["alice", "bob"] });
        assert.deepEqual(await ask("graph.muted.rj"), { topic: "rj", muted: ["alice"] });
        assert.deepEqual(await ask("graph.count.rj"), { topic: "rj", count: 2 });
        assert.deepEqual(await ask("graph.unmute.rj", "alice"), { topic: "rj", changed: 1, unchanged: 0 });
        assert.equal(await recipients("heard-1"), 3);
        await network.restartGraphs();
        assert.equal(await recipients("heard-2"), 3);
        await alice.until(/heard-2/);
        assert.match(alice.text, /heard-1/);
        assert.doesNotMatch(alice.text, /muted-/);
      });

      it("block - removes the follower from the next event on and refuses it across a restart, until unblocked", async () => {
        const [alice, bob] = [
          await network.read("/stream?user=alice"),
          await network.read("/stream?user=bob"),
        ];
        assert.deepEqual(await ask("graph.block.rj", "alice"), { topic: "rj", changed: 1, unchanged: 0 });
        assert.deepEqual(await ask("graph.subscribe.rj", { subscribers: ["alice", "bob", "carol"] }), {
          topic: "rj",
          changed: 1,
          unchanged: 1,
          blocked: ["alice"],
        });
        assert.equal(await recipients("blocked-1"), 3);
        await network.restartGraphs();
        assert.deepEqual(await ask("graph.subscribe.rj", "alice"), {
          topic: "rj",
          changed: 0,
          unchanged: 0,
          blocked: ["alice"],
        });
        assert.equal(await recipients("blocked-2"), 3);
        await bob.until(/blocked-2/);
        assert.deepEqual(await ask("graph.blocked.rj"), { topic: "rj", blocked: ["alice"] });
        assert.deepEqual(await ask("graph.unblock.rj", "alice"), { topic: "rj", changed: 1, unchanged: 0 });
        assert.equal(await recipients("unblocked, not following"), 3);
        assert.deepEqual(await ask("graph.subscribe.rj", "alice"), { topic: "rj", changed: 1, unchanged: 0 });
        assert.equal(await recipients("back-1"), 4);
        await alice.until(/back-1/);
        assert.doesNotMatch(alice.text, /blocked/);
        await ask("graph.unsubscribe.rj", "carol");
      });

      it("mutual - lists what both users follow, in pages", async () => {
        assert.deepEqual(await ask("graph.mutual.alice", { with: "bob" }), {
          user: "alice",
          with: "bob",
          mutual: ["rj", "photo.789"],
        });
        const first = await ask("graph.mutual.bob", { with: "alice", limit: 1 });
        assert.deepEqual(first.mutual, ["rj"]);
        const second = await ask("graph.mutual.bob", { with: "alice", limit: 1, after: first.next });
        assert.deepEqual([second.mutual, second.next], [["photo.789"], undefined]);
      });

      it("audit - lists effective changes of one topic or of all, in order", async () => {
        const { changes, oldest } = (await ask("graph.audit.rj", { after: 2 })) as {
          changes: { sequence: number; kind: string; subscriber: string; time: string }[];
          oldest: number;
        };
        assert.equal(oldest, 1);
        assert.deepEqual(
          changes.map(({ kind, subscriber }) => `${kind} ${subscriber}`),
          [
            ...["mute alice", "unmute alice", "block alice", "subscribe carol"],
            ...["unblock alice", "subscribe alice", "unsubscribe carol"],
          ],
        );
        const all = (await ask("part.0.audit", { limit: 3 })) as { changes: object[]; next: number };
        assert.deepEqual(
          all.changes.map((change) => ({ ...change, time: undefined })),
          [
            { sequence: 1, kind: "subscribe", subscriber: "alice", topic: "rj", time: undefined },
            { sequence: 2, kind: "subscribe", subscriber: "bob", topic: "rj", time: undefined },
            { sequence: 3, kind: "subscribe", subscriber: "alice", topic: "photo.789", time: undefined },
          ],
        );
        assert.equal(all.next, 3);
      });

      it("an invalid request - is an error with a reason", async () => {
        for (const [subject, payload, code] of [
          ["graph.mutual.bob", "", 400],
          ["graph.mutual.bob", '{"with":"a.b"}', 400],
          ["graph.mute.rj", '["a b"]', 400],
          ["graph.audit.rj", '{"after":-1}', 400],
          ["graph.audit.rj", '{"after":1000000}', 400],
          ["part.0.audit", '{"after":1000000}', 400],
          ["graph.subscribers.rj", '{"after":"unheard-of"}', 400],
          ["graph.muted.rj", '{"after":"unheard-of"}', 400],
          ["graph.blocked.rj", '{"after":"unheard-of"}', 400],
          ["graph.subscriptions.alice", '{"after":"unheard-of"}', 400],
          ["graph.subscriptions.alice", '{"after":""}', 400],
          ["graph.mutual.alice", '{"with":"bob","after":"unheard-of"}', 400],
          ["graph.online.alice", '{"after":"unheard-of"}', 400],
          ["part.0.backup", '{"folder":""}', 400],
          ["part.0.backup", '{"folder":"not/absolute"}', 400],
        ] as const) {
          const { problem } = await ask(subject, payload);
          assert.equal(problem?.code, code, `${subject} ${payload}: ${JSON.stringify(problem)}`);
        }
      });

      it("1,000 concurrent follows of one user - are all stored", async () => {
        const users = Array.from({ length: 1_000 }, (_, index) => String(10_000 + index));
        const answers = await Promise.all(users.map((user) => ask("graph.subscribe.popular", user)));
        assert.ok(answers.every(({ changed }) => changed === 1));
        assert.deepEqual((await ask("graph.subscribers.popular")).subscribers, users);
      });

      it("backup under load - contains everything acknowledged before, while events and changes continue", async () => {
        const bob = await network.read("/stream?user=bob");
        const folder = join(tempDir(), "backups");
        let isDone = false;
        let sent = 0;
        let added = 0;
        const load = Promise.all([
          (async () => {
            for (; !isDone; sent += 1) await network.send("event.rj", `during-${sent}.`);
          })(),
          (async () => {
            for (; !isDone; added += 1) await ask("graph.subscribe.popular", String(20_000 + added));
          })(),
        ]);
        while (added < 50) await ask("graph.count.popular");
        const before = added;
        const report = await ask("part.0.backup", { folder });
        isDone = true;
        await load;
        await bob.until(new RegExp(`during-${sent - 1}\\.`));
        for (let number = 0; number < sent; number += 1)
          assert.match(bob.text, new RegExp(`during-${number}\\.`));
        assert.deepEqual(readdirSync(folder), [String(report.file).slice(folder.length + 1)]);
        const directory = join(tempDir(), "restored");
        const { sequence } = await restoreBackup(String(report.file), { directory });
        assert.equal(sequence, report.sequence);
        const restored = await GraphStore.open(directory);
        const names = new Set(restored.pageFollowers("popular" as never, undefined, 10_000).names);
        for (let index = 0; index < before; index += 1) assert.ok(names.has(String(20_000 + index)));
        await restored.close();
      });
    });
  }
}
