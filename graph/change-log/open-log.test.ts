// What a directory and a change log are to each other, on every installed nats-server with JetStream: first
// starts, backups, loads, and streams that are gone.

import assert from "node:assert/strict";
import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { change, follow, followersOf, topicsOf } from "../../test/support/changes.ts";
import { rowsOf } from "../../test/support/graph-model.ts";
import { manageStreams, withJetStream } from "../../test/support/jetstream.ts";
import { LoggedStores } from "../../test/support/logged-stores.ts";
import { natsServers } from "../../test/support/nats-servers.ts";
import { tempDir } from "../../test/support/temp-dir.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { restoreBackup } from "../backup/restore.ts";
import { GraphStore } from "../graph-store.ts";
import { loadFollows } from "../load/load.ts";
import { Partitions } from "../partitions.ts";

const STREAM = "ENCKE_CHANGES";
const FOUR = Partitions.parse("0-3/4");
const topics = topicsOf(FOUR);

for (const server of natsServers) {
  const broker = withJetStream(server);
  describe(`directory beside a change log - ${broker.name}`, { skip: broker.skip, concurrency: 1 }, () => {
    const stores = new LoggedStores(broker);

    it("rows from before the log - begin it, and an empty directory is then refused", async () => {
      const directory = tempDir();
      const plain = await GraphStore.open(directory);
      await plain.apply([follow("a", "rj")]);
      await plain.close();
      const { store } = await stores.open(directory);
      await store.apply([follow("b", "rj")]);
      assert.deepEqual(followersOf(store, "rj"), ["a", "b"]);
      await assert.rejects(stores.open(tempDir()), {
        code: "GRAPH_LOG_FOREIGN",
        message: /another directory's rows: restore a backup made after it with `encke graph restore`/,
      });
      const other = tempDir();
      const otherPlain = await GraphStore.open(other);
      await otherPlain.apply([follow("z", "rj")]);
      await otherPlain.close();
      await assert.rejects(stores.open(other), { code: "GRAPH_LOG_FOREIGN", message: /delete the stream/ });
    });

    it("backup - carries its place, and the log brings what it restores up to date", async () => {
      const { store } = await stores.open(tempDir(), { partitions: FOUR });
      await store.apply(topics.map((topic) => follow("a", topic)));
      const { file } = await store.backup(tempDir());
      await store.apply(topics.map((topic) => follow("b", topic)));
      const directory = join(tempDir(), "restored");
      await restoreBackup(file, { directory });
      const { store: restored } = await stores.open(directory, { partitions: FOUR });
      assert.deepEqual(rowsOf(restored), rowsOf(store));
      for (const topic of topics) assert.deepEqual(followersOf(restored, topic), ["a", "b"]);
    });

    it("loaded into - the log continues from the loaded rows, and others need a backup", async () => {
      const [directory, lines] = [tempDir(), join(tempDir(), "follows")];
      writeFileSync(lines, "c rj\n");
      const first = await stores.open(directory);
      const standing = await stores.open(tempDir());
      await first.store.apply([follow("a", "rj")]);
      await stores.close(first);
      await loadFollows({ path: lines }, { directory, kind: "subscriptions" });
      const { store } = await stores.open(directory);
      await store.apply([follow("b", "rj")]);
      assert.deepEqual(followersOf(store, "rj").toSorted(), ["a", "b", "c"]);
      await assert.rejects(stores.open(tempDir()), { code: "GRAPH_LOG_FOREIGN", message: /record 3 / });
      await assert.rejects(standing.store.apply([follow("e", "rj")]), { code: "GRAPH_LOG_BEHIND" });
      await waitFor(
        "the reason",
        () => standing.store.logTrouble?.includes("another directory's rows") === true,
      );
      assert.deepEqual(followersOf(standing.store, "rj"), ["a"], "what comes before is applied");
    });

    it("changed without the log while the log has later records - is refused", async () => {
      const [directory, copy] = [tempDir(), join(tempDir(), "copy")];
      const first = await stores.open(directory);
      await first.store.apply([follow("a", "rj")]);
      await stores.close(first);
      cpSync(directory, copy, { recursive: true });
      const second = await stores.open(directory);
      await second.store.apply([follow("b", "rj")]);
      const plain = await GraphStore.open(copy);
      await plain.apply([follow("c", "rj")]);
      await plain.close();
      await assert.rejects(stores.open(copy), {
        code: "GRAPH_LOG_FOREIGN",
        message: /changed without the change log ENCKE_CHANGES, .* export the graph/,
      });
    });

    it("served without the log for a while - the log continues from those rows", async () => {
      const directory = tempDir();
      const first = await stores.open(directory);
      await first.store.apply([follow("a", "rj")]);
      await stores.close(first);
      const plain = await GraphStore.open(directory);
      await plain.apply([change("unsubscribe", "a", "rj"), follow("b", "rj")]);
      await plain.close();
      const second = await stores.open(directory);
      assert.deepEqual(followersOf(second.store, "rj"), ["b"]);
      await second.store.apply([follow("c", "rj")]);
      await stores.close(second);
      const third = await stores.open(directory);
      assert.deepEqual([followersOf(third.store, "rj"), third.store.appliedIn(0)], [["b", "c"], 4]);
    });

    it("stream that is gone, or another one - is refused and not made again", async () => {
      const directory = tempDir();
      const first = await stores.open(directory);
      await first.store.apply([follow("a", "rj")]);
      await stores.close(first);
      await manageStreams(stores.url, ({ streams }) => streams.delete(STREAM));
      await assert.rejects(stores.open(directory), {
        code: "GRAPH_LOG_FOREIGN",
        message: /does not exist any more/,
      });
      await assert.rejects(stores.lastOf(STREAM), "it was not created");
      const other = await stores.open(tempDir());
      await stores.close(other);
      await assert.rejects(stores.open(directory), { code: "GRAPH_LOG_FOREIGN", message: /created again/ });
    });

    it("log without its oldest records - is refused by a directory that needs them", async () => {
      const [directory, old] = [tempDir(), join(tempDir(), "old")];
      const first = await stores.open(directory);
      await first.store.apply([follow("a", "rj")]);
      await stores.close(first);
      cpSync(directory, old, { recursive: true });
      const second = await stores.open(directory);
      await second.store.apply([follow("b", "rj")]);
      await second.store.apply([follow("c", "rj")]);
      await stores.close(second);
      await manageStreams(stores.url, ({ streams }) => streams.purge(STREAM, { seq: 4 }));
      for (const directory of [old, tempDir()])
        await assert.rejects(stores.open(directory), {
          code: "GRAPH_LOG_FOREIGN",
          message: /begins with record 4/,
        });
      const { store } = await stores.open(directory);
      assert.deepEqual(followersOf(store, "rj"), ["a", "b", "c"]);
    });

    it("other number of partitions - is refused", async () => {
      await stores.open(tempDir(), { partitions: Partitions.parse("0-1/2") });
      await assert.rejects(stores.open(tempDir(), { partitions: FOUR }), {
        code: "GRAPH_OTHER_PARTITIONS",
        message: /records of partition 0 of 2/,
      });
    });
  });
}
