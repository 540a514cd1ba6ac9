// Stores with change logs on every installed nats-server with JetStream: changes, races and lost replies.

import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parseTopic, parseUserId, type Topic } from "../../broker/contract.ts";
import { follow, followersOf, topicsOf } from "../../test/support/changes.ts";
import { auditOf, GraphModel, rowsOf } from "../../test/support/graph-model.ts";
import { manageStreams, withJetStream } from "../../test/support/jetstream.ts";
import { LoggedStores } from "../../test/support/logged-stores.ts";
import { LossyProxy } from "../../test/support/lossy-proxy.ts";
import { natsServers } from "../../test/support/nats-servers.ts";
import { changesOf } from "../../test/support/random-changes.ts";
import { tempDir } from "../../test/support/temp-dir.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { WrappedLog } from "../../test/support/wrapped-log.ts";
import type { GraphError } from "../errors.ts";
import { Partitions } from "../partitions.ts";

const STREAM = "ENCKE_CHANGES";
const FOUR = Partitions.parse("0-3/4");

const topics = topicsOf(FOUR);

for (const server of natsServers) {
  const broker = withJetStream(server);
  describe(`change log - ${broker.name}`, { skip: broker.skip, concurrency: 1 }, () => {
    const stores = new LoggedStores(broker);

    it("changes - are in the log before they are acknowledged, and the stream is as it was asked for", async () => {
      const { store } = await stores.open(tempDir());
      assert.equal(store.appliedIn(0), 1, "a layout record comes first");
      assert.deepEqual(await store.apply([follow("a", "rj"), follow("b", "rj"), follow("a", "rj")]), [
        "changed",
        "changed",
        "unchanged",
      ]);
      assert.deepEqual([await stores.lastOf(STREAM), store.appliedIn(0)], [2, 2]);
      await store.apply([follow("a", "rj")]);
      assert.equal(await stores.lastOf(STREAM), 2, "what has no effect is not recorded");
      await manageStreams(stores.url, async ({ streams }) => {
        const { config } = await streams.info(STREAM);
        assert.deepEqual(
          [config.subjects, config.deny_delete, config.max_age, config.no_ack ?? false, config.storage],
          [["part.0.changes"], true, 0, false, "file"],
        );
        await assert.rejects(streams.deleteMessage(STREAM, 2));
      });
    });

    it("random changes - make the rows of the model, also after restarts, from an old copy and from nothing", async () => {
      const directory = tempDir();
      const model = new GraphModel();
      let logged = await stores.open(directory, { partitions: FOUR });
      let old = "";
      let number = 0;
      for (let round = 0; round < 12; round += 1) {
        const count = 1 + ((round * 37) % 60);
        const lists = Array.from({ length: count }, () => changesOf(5, number++));
        for (const list of lists) for (const one of list) model.apply(one);
        await Promise.all(lists.map((list) => logged.store.apply(list)));
        model.assertEqual(logged.store, `round ${round}`);
        if (round % 3 !== 2) continue;
        await stores.close(logged);
        if (round === 2) {
          old = join(tempDir(), "old");
          cpSync(directory, old, { recursive: true });
        }
        logged = await stores.open(directory, { partitions: FOUR });
        model.assertEqual(logged.store, `round ${round}, opened again`);
      }
      const audit = await auditOf(logged.store);
      await stores.close(logged);
      for (const other of [old, tempDir()]) {
        const { store } = await stores.open(other, { partitions: FOUR });
        model.assertEqual(store);
        assert.deepEqual(
          FOUR.owned.map((p) => store.appliedIn(p)),
          FOUR.owned.map((p) => logged.store.appliedIn(p)),
        );
        const found = await auditOf(store);
        // the order between partitions is each directory's own
        assert.deepEqual(found.changes.toSorted(), audit.changes.toSorted());
        assert.deepEqual(found.times.toSorted(), audit.times.toSorted());
      }
    });

    it("undivided audit - is the same after the rows were rebuilt from the log alone", async () => {
      const first = await stores.open(tempDir());
      for (let number = 0; number < 50; number += 1) await first.store.apply(changesOf(9, number));
      const second = await stores.open(tempDir());
      assert.deepEqual(rowsOf(second.store), rowsOf(first.store));
      assert.deepEqual(await auditOf(second.store), await auditOf(first.store));
      assert.equal(second.store.follows, first.store.follows);
    });

    it("applied twice - a record has no second effect", async () => {
      const first = await stores.open(tempDir());
      const second = await stores.open(tempDir());
      await first.store.apply([follow("a", "rj")]);
      const data = await manageStreams(stores.url, async ({ streams }) => {
        return (await streams.getMessage(STREAM, { seq: 2 })).data;
      });
      const record = { sequence: 2, data };
      await second.store.applyLogged(0, [record]);
      await second.store.applyLogged(0, [record, record]);
      assert.deepEqual(followersOf(second.store, "rj"), ["a"]);
      assert.deepEqual([second.store.audit.last, second.store.appliedIn(0)], [1, 2]);
      await assert.rejects(second.store.applyLogged(0, [{ sequence: 4, data }]), {
        code: "GRAPH_LOG_FOREIGN",
      });
      await assert.rejects(second.store.applyLogged(0, [{ sequence: 3, data }]), {
        code: "GRAPH_LOG_FOREIGN",
        message: /has no effect/,
      });
    });

    it("two writers - one wins, the other is refused and converges, and both continue", async () => {
      const [one, other] = [await stores.open(tempDir()), await stores.open(tempDir())];
      await one.store.apply([follow("a", "rj")]);
      await assert.rejects(other.store.apply([follow("b", "rj")]), { code: "GRAPH_LOG_BEHIND" });
      await waitFor("the other to apply the record", () => other.store.logTrouble === undefined);
      assert.deepEqual(followersOf(other.store, "rj"), ["a"]);
      assert.deepEqual(await other.store.apply([follow("a", "rj"), follow("b", "rj")]), [
        "unchanged",
        "changed",
      ]);
      await assert.rejects(one.store.apply([follow("c", "rj")]), { code: "GRAPH_LOG_BEHIND" });
      await waitFor("the first to apply the record", () => one.store.logTrouble === undefined);
      assert.deepEqual(rowsOf(one.store), rowsOf(other.store));
      assert.deepEqual(await auditOf(one.store), await auditOf(other.store));
    });

    it("two writers at once, at random - lose no acknowledged change and agree in the end", async () => {
      const writers = [await stores.open(tempDir()), await stores.open(tempDir())];
      const acknowledged: string[] = [];
      await Promise.all(
        writers.map(async ({ store }, writer) => {
          for (let number = 0; number < 30; number += 1) {
            const user = `w${writer}-${number}`;
            try {
              await store.apply([follow(user, "rj")]);
              acknowledged.push(user);
            } catch (error) {
              assert.equal((error as { code?: string }).code?.startsWith("GRAPH_LOG_"), true, String(error));
              await waitFor("the log to be applied", () => store.logTrouble === undefined);
            }
          }
        }),
      );
      for (const { store } of writers) {
        await store.apply([follow("last", "rj")]).catch(() => {});
        await waitFor("the log to be applied", () => store.logTrouble === undefined);
        await store.apply([follow("last", "rj")]);
      }
      const [one, other] = writers;
      assert.ok(one !== undefined && other !== undefined);
      await waitFor("the first to be up to date", async () => {
        await one.store.apply([follow("x", "y")]).catch(() => {});
        await other.store.apply([follow("x", "y")]).catch(() => {});
        return one.store.appliedIn(0) === other.store.appliedIn(0);
      });
      assert.deepEqual(await auditOf(one.store), await auditOf(other.store));
      const followers = new Set(followersOf(one.store, "rj"));
      assert.deepEqual(
        acknowledged.filter((user) => !followers.has(user)),
        [],
      );
    });

    it("lost acknowledgement - the record is found in the log, and the change is made once", async () => {
      const proxy = await LossyProxy.start(stores.broker.ports[0] ?? 0);
      const { store } = await stores.open(tempDir(), { url: proxy.url });
      proxy.drop(/^_INBOX\./);
      assert.deepEqual(await store.apply([follow("a", "rj")]), ["changed"]);
      assert.equal(proxy.dropped.length, 1);
      assert.deepEqual([await stores.lastOf(STREAM), store.appliedIn(0)], [2, 2]);
      assert.deepEqual([store.appends.stored, store.audit.last], [1, 1]);
      proxy.stop();
    });

    it("no reply at all - changes are refused with 503, are applied if they were stored, and then accepted", async () => {
      const proxy = await LossyProxy.start(stores.broker.ports[0] ?? 0);
      const logged = await stores.open(tempDir(), { url: proxy.url });
      const { store } = logged;
      await store.apply([follow("a", "rj")]);
      proxy.drop(/^_INBOX\./, Number.POSITIVE_INFINITY);
      await assert.rejects(store.apply([follow("b", "rj")]), (error: GraphError) => {
        assert.deepEqual(
          [error.code, error.disclosure],
          ["GRAPH_LOG_UNAVAILABLE", { status: 503, shown: true }],
        );
        return true;
      });
      assert.deepEqual(followersOf(store, "rj"), ["a"], "nothing is shown that is not certain");
      await assert.rejects(store.apply([follow("c", "rj")]), { code: "GRAPH_LOG_UNAVAILABLE" });
      assert.ok(store.logTrouble !== undefined);
      proxy.drop(/^_INBOX\./, 0);
      await waitFor("the log to be applied", () => store.logTrouble === undefined);
      assert.deepEqual(followersOf(store, "rj"), ["a", "b"], "the second was stored after all");
      assert.deepEqual(await store.apply([follow("b", "rj"), follow("c", "rj")]), ["unchanged", "changed"]);
      proxy.stop();
    });

    it("log of one partition that does not reply - refuses the changes of that partition only", async () => {
      const failing = topics[2] as Topic;
      const logs = new Map<number, WrappedLog>();
      const { store } = await stores.open(tempDir(), {
        partitions: FOUR,
        wrap: (log) => {
          const wrapped = new WrappedLog(log);
          logs.set(log.partition, wrapped);
          return wrapped;
        },
      });
      const failingLog = logs.get(2);
      assert.ok(failingLog);
      failingLog.isSilent = true;
      const results = await Promise.allSettled([
        ...topics.map((topic) => store.apply([follow("a", topic)])),
        store.apply(topics.map((topic) => follow("b", topic))),
        store.apply([follow("a", failing), follow("c", topics[0] as Topic)]),
        store.apply([follow("failing", failing)]),
      ]);
      assert.deepEqual(
        results.map(({ status }) => status),
        ["fulfilled", "fulfilled", "rejected", "fulfilled", "rejected", "rejected", "rejected"],
      );
      assert.deepEqual(
        topics.map((topic) => followersOf(store, topic)),
        [["a", "b", "c"], ["a", "b"], [], ["a", "b"]],
        "what a log acknowledged is applied",
      );
      assert.equal(store.countSubscriptions(parseUserId("b")), 3);
      await assert.rejects(store.apply([follow("d", failing)]), { code: "GRAPH_LOG_UNAVAILABLE" });
      assert.deepEqual(await store.apply([follow("d", topics[0] as Topic)]), ["changed"]);
      failingLog.isSilent = false;
      await waitFor("the log to be applied", () => store.logTrouble === undefined);
      assert.deepEqual(await store.apply([follow("d", failing)]), ["changed"]);
    });

    it("more changes than fit into one record - are stored in several", async () => {
      const { store } = await stores.open(tempDir());
      const many = Array.from({ length: 2_500 }, (_, index) => follow(`user-${index}`, "rj"));
      assert.equal((await store.apply(many)).length, 2_500);
      assert.equal(await stores.lastOf(STREAM), 4);
      const { store: rebuilt } = await stores.open(tempDir());
      assert.equal(rebuilt.countFollowers(parseTopic("rj")), 2_500);
      assert.equal(rebuilt.audit.last, 2_500);
    });

    it("server that restarts - the log continues, and nothing acknowledged is missing", async () => {
      const { store } = await stores.open(tempDir());
      await store.apply([follow("a", "rj")]);
      await stores.broker.restart();
      await waitFor("a change to be accepted", () =>
        store.apply([follow("b", "rj")]).then(
          () => true,
          () => false,
        ),
      );
      assert.deepEqual(followersOf(store, "rj"), ["a", "b"]);
      const { store: rebuilt } = await stores.open(tempDir());
      assert.deepEqual(followersOf(rebuilt, "rj"), ["a", "b"]);
    });

    it("stream that does not acknowledge - is refused with the difference", async () => {
      await manageStreams(stores.url, ({ streams }) =>
        streams.add({ name: STREAM, subjects: ["part.0.changes"], no_ack: true }),
      );
      await assert.rejects(stores.open(tempDir()), { code: "GRAPH_LOG_REFUSED", message: /no_ack true/ });
    });
  });
}
