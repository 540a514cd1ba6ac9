import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { parseTopic, parseUserId } from "../../broker/contract.ts";
import { tempDir } from "../../test/support/temp-dir.ts";
import { exportLines } from "../export/export.ts";
import { GraphStore } from "../graph-store.ts";
import { Random } from "../random.ts";
import type { Change, ChangeKind } from "../store/changes.ts";
import { openDatabase } from "../store/database.ts";
import { EntryWriter, readEntries } from "./format.ts";
import { restoreBackup } from "./restore.ts";

const change = (kind: ChangeKind, subscriber: number, topic: string): Change => ({
  kind,
  subscriber: parseUserId(String(subscriber)),
  topic: parseTopic(topic),
});

async function textOf(directory: string): Promise<string> {
  let text = "";
  for (const kind of ["followers", "muted", "blocked"] as const)
    for await (const part of exportLines(directory, kind)) text += part;
  return text;
}

/** Creates a small graph and a backup of it. */
async function backedUp(): Promise<{ directory: string; file: string }> {
  const directory = tempDir();
  const store = await GraphStore.open(directory);
  await store.apply([change("subscribe", 7, "rj"), change("mute", 7, "rj"), change("block", 9, "photo.1")]);
  const { file } = await store.backup(join(tempDir(), "backups"));
  await store.close();
  return { directory, file };
}

describe("backup", () => {
  it("during changes - equals the graph after a prefix of the audit that contains all acknowledged changes", async () => {
    const random = new Random(11);
    const kinds: readonly ChangeKind[] = [
      "subscribe",
      "subscribe",
      "subscribe",
      "unsubscribe",
      "mute",
      "block",
    ];
    const directory = tempDir();
    const store = await GraphStore.open(directory);
    const some = (count: number): Change[] =>
      Array.from({ length: count }, () =>
        change(
          kinds[random.below(kinds.length)] as ChangeKind,
          random.below(5_000),
          `t${random.below(3_000)}`,
        ),
      );
    await store.apply(some(60_000));
    let running = true;
    const changing = Promise.all(
      Array.from({ length: 20 }, async () => {
        while (running) await store.apply(some(5));
      }),
    );
    while (store.audit.last < 50_000) await turn();
    const acknowledged = store.audit.last;
    const folder = join(tempDir(), "made", "here");
    const first = store.backup(folder);
    await assert.rejects(store.backup(folder), { code: "GRAPH_OVERLOADED" });
    const report = await first;
    const changedMeanwhile = store.audit.last - acknowledged;
    running = false;
    await changing;
    assert.ok(report.sequence >= acknowledged);
    assert.ok(changedMeanwhile > 0, "changes continued");
    assert.deepEqual(readdirSync(folder), [report.file.slice(folder.length + 1)]);

    // replays the same changes, up to the one that the backup names, on an empty graph
    const replayed = tempDir();
    const model = await GraphStore.open(replayed);
    for (let after = 0; after < report.sequence; ) {
      const { entries } = await store.pageAudit(undefined, after, Math.min(1_000, report.sequence - after));
      await model.apply(entries.map(({ kind, user, topic }) => change(kind, user, store.nameOf(topic))));
      after += entries.length;
    }
    assert.equal(model.audit.last, report.sequence, "each had an effect again");
    await model.close();
    await store.close();

    const restored = join(tempDir(), "restored");
    assert.deepEqual(await restoreBackup(report.file, { directory: restored }), {
      follows: report.follows,
      sequence: report.sequence,
    });
    assert.equal(await textOf(restored), await textOf(replayed));
    assert.notEqual(await textOf(directory), await textOf(restored));
    const served = await GraphStore.open(restored);
    assert.equal(served.audit.last, report.sequence);
    assert.equal(served.follows, report.follows);
    await served.apply([change("subscribe", 1_000_000, "t1")]);
    await served.close();
  });

  it("damaged files - are refused and leave no folder behind", async () => {
    const { file } = await backedUp();
    const good = readFileSync(file);
    const parent = tempDir();
    const attempts: readonly (readonly [string, (path: string) => void])[] = [
      [
        "a flipped bit",
        (path) =>
          writeFileSync(
            path,
            good.map((byte, at) => (at === 60 ? byte ^ 1 : byte)),
          ),
      ],
      ["cut", (path) => truncateSync(path, good.length - 1)],
      ["a tail", (path) => appendFileSync(path, "x")],
      ["empty", (path) => truncateSync(path, 0)],
      ["text", (path) => writeFileSync(path, "dear diary, ".repeat(100))],
    ];
    for (const [how, damage] of attempts) {
      const path = join(parent, "damaged.backup");
      writeFileSync(path, good);
      damage(path);
      await assert.rejects(
        restoreBackup(path, { directory: join(parent, "graph") }),
        { code: "BAD_BACKUP", message: /damaged\.backup/ },
        how,
      );
      assert.deepEqual(readdirSync(parent), ["damaged.backup"], how);
    }
    await assert.rejects(restoreBackup(join(parent, "none"), { directory: join(parent, "graph") }), {
      code: "BAD_BACKUP",
    });
  });

  it("a folder that is not empty - is refused and left alone, and an empty one is used", async () => {
    const { directory, file } = await backedUp();
    const full = tempDir();
    writeFileSync(join(full, "letter.txt"), "dear diary");
    await assert.rejects(restoreBackup(file, { directory: full }), {
      code: "GRAPH_DIR_FOREIGN",
      message: /letter\.txt/,
    });
    await assert.rejects(restoreBackup(file, { directory }), { code: "GRAPH_DIR_FOREIGN" });
    const empty = tempDir();
    await restoreBackup(file, { directory: empty });
    assert.equal(await textOf(empty), await textOf(directory));
  });

  it("a restore that a crash interrupted - starts over", async () => {
    const { directory, file } = await backedUp();
    const target = join(tempDir(), "graph");
    const { db, close } = await openDatabase(`${target}.restoring`);
    await db.put("f00000001", Uint8Array.of(1, 1, 99));
    await assert.rejects(restoreBackup(file, { directory: target }), { code: "GRAPH_DIR_BUSY" });
    await close();
    await restoreBackup(file, { directory: target });
    assert.equal(await textOf(target), await textOf(directory));
  });

  it("a folder that cannot be written - is an error, and the graph continues", async () => {
    const store = await GraphStore.open(tempDir());
    const file = join(tempDir(), "file");
    writeFileSync(file, "");
    await assert.rejects(store.backup(file), { code: "BACKUP_FAILED" });
    await assert.rejects(store.backup("somewhere"), { code: "BAD_REQUEST", message: /absolute/ });
    for (const folder of ["/proc/x", "/proc/x/y", "/dev/null/x"])
      await assert.rejects(store.backup(folder), { code: "BACKUP_FAILED" }, folder);
    assert.deepEqual(await store.apply([change("subscribe", 7, "rj")]), ["changed"]);
    await store.close();
  });

  it("closing the graph - aborts a backup and leaves nothing behind", async () => {
    const store = await GraphStore.open(tempDir());
    await store.apply(Array.from({ length: 20_000 }, (_, index) => change("subscribe", index, `t${index}`)));
    const folder = tempDir();
    mkdirSync(folder, { recursive: true });
    const backup = store.backup(folder);
    const refused = assert.rejects(backup, { code: "BACKUP_FAILED", message: /closing/ });
    await store.close();
    await refused;
    assert.deepEqual(readdirSync(folder), []);
  });
});

describe("backup file", () => {
  it("entries - are read back, however the file is split", async () => {
    const writer = new EntryWriter();
    const entries = Array.from({ length: 300 }, (_, index) => ({
      key: new Uint8Array(index % 40).fill(index),
      value: new Uint8Array(index * 3).fill(index),
    }));
    for (const { key, value } of entries) writer.add(key, value);
    const bytes = Buffer.concat([writer.take(), Uint8Array.of(0)]);
    for (const size of [1, 7, 1_000, bytes.length]) {
      const parts = async function* (): AsyncGenerator<Uint8Array> {
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
      };
      const back: { key: Uint8Array; value: Uint8Array }[] = [];
      for await (const some of readEntries(parts())) {
        back.push(
          ...some.map(({ key, value }) => ({ key: Uint8Array.from(key), value: Uint8Array.from(value) })),
        );
      }
      assert.deepEqual(back, entries);
    }
  });

  it("hostile lengths - are errors and allocate nothing", async () => {
    const head = new TextEncoder().encode("encke-graph-backup 1\n");
    for (const tail of [[255, 255, 255, 255, 255, 255], [2, 255, 255, 255, 255, 15], [3, 1], [0, 0], []]) {
      const parts = async function* (): AsyncGenerator<Uint8Array> {
        yield Uint8Array.of(...head, ...tail);
      };
      await assert.rejects(async () => {
        for await (const some of readEntries(parts())) assert.deepEqual(some, []);
      }, RangeError);
    }
  });
});
