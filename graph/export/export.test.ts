import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, it } from "node:test";
import { parseTopic, parseUserId } from "../../broker/contract.ts";
import { tempDir } from "../../test/support/temp-dir.ts";
import { readGraphFacts } from "../about.ts";
import { GraphStore } from "../graph-store.ts";
import { loadFollows } from "../load/load.ts";
import { Partitions } from "../partitions.ts";
import { Random } from "../random.ts";
import type { Change, ChangeKind } from "../store/changes.ts";
import { type ExportKind, exportLines } from "./export.ts";

const change = (kind: ChangeKind, subscriber: string, topic: string): Change => ({
  kind,
  subscriber: parseUserId(subscriber),
  topic: parseTopic(topic),
});

async function textOf(directory: string, kind: ExportKind = "followers"): Promise<string> {
  let text = "";
  for await (const part of exportLines(directory, kind)) text += part;
  return text;
}

async function load(text: string, directory: string): Promise<void> {
  const stream = Readable.from([Buffer.from(text)]);
  await loadFollows({ stream, name: "the export" }, { directory, kind: "subscriptions", strict: true });
}

describe("export", () => {
  it("an export that is loaded and exported again - is the same bytes, whatever ids the names had", async () => {
    const random = new Random(3);
    const users = Array.from({ length: 300 }, (_, index) =>
      index % 2 === 0 ? String(index) : `u-${index * 7919}`,
    );
    const topics = [...users, "photo.789", "2147483648", "007", "A.b.c.d", "99999999999999999999"];
    const of = (list: readonly string[]): string => list[random.below(list.length)] as string;
    const first = tempDir();
    const store = await GraphStore.open(first);
    await store.apply(Array.from({ length: 5_000 }, () => change("subscribe", of(users), of(topics))));
    await store.apply(Array.from({ length: 400 }, () => change("mute", of(users), of(topics))));
    await store.apply(Array.from({ length: 400 }, () => change("block", of(users), of(topics))));
    // more than one chunk of followers of one topic, with both kinds of names
    const fans = Array.from({ length: 20_000 }, (_, index) =>
      index % 2 === 0 ? String(index) : `fan${index}`,
    );
    await store.apply(fans.map((fan) => change("subscribe", fan, "star")));
    const { follows } = store;
    await store.close();

    const text = await textOf(first);
    assert.equal(text.split("\n").length - 1, follows);
    const second = tempDir();
    await load(text, second);
    assert.equal(await textOf(second), text);

    const muted = await textOf(first, "muted");
    const blocked = await textOf(first, "blocked");
    const lines = new Set(text.split("\n"));
    assert.ok(muted.length > 0 && blocked.length > 0);
    assert.ok(
      muted
        .trim()
        .split("\n")
        .every((line) => lines.has(line)),
      "muted users follow",
    );
    assert.ok(
      !blocked
        .trim()
        .split("\n")
        .some((line) => lines.has(line)),
      "blocked users do not follow",
    );

    const third = tempDir();
    const part = (name: string, content: string) => ({ name, stream: Readable.from([Buffer.from(content)]) });
    const loaded = await loadFollows(part("follows", text), {
      ...{ directory: third, kind: "subscriptions", strict: true },
      ...{ muted: part("muted", muted), blocked: part("blocked", blocked) },
    });
    assert.deepEqual([loaded.follows, loaded.duplicates], [follows, 0]);
    for (const [kind, wanted] of [
      ["followers", text],
      ["muted", muted],
      ["blocked", blocked],
    ] as const)
      assert.equal(await textOf(third, kind), wanted, kind);
    const again = await GraphStore.open(third);
    const [line = ""] = muted.split("\n");
    const [user = "", topic = ""] = line.split(" ");
    assert.equal(again.follows, follows);
    const names = [...again.followers(parseTopic(topic))].flatMap((set) =>
      [...set].map((id) => again.nameOf(id)),
    );
    assert.ok(!names.includes(user), "a muted user receives nothing");
    assert.ok(again.pageSubscriptions(parseUserId(user), undefined, 20_000).names.includes(topic));
    await again.close();
  });

  it("lists of muted and blocked users - load alone or together, a block wins, and other partitions are left out", async () => {
    const part = (name: string, content: string) => ({ name, stream: Readable.from([Buffer.from(content)]) });
    const directory = tempDir();
    const report = await loadFollows(part("follows", ""), {
      ...{ directory, kind: "subscriptions", partitions: Partitions.parse("2/4") },
      // "3" is in partition 2 of 4, "1" is in partition 0
      ...{ muted: part("muted", "7 3\n8 3\n7 1\n"), blocked: part("blocked", "8 3\n9 3\n9 1\n") },
    });
    assert.equal(report.follows, 1);
    assert.equal(await textOf(directory), "7 3\n");
    assert.equal(await textOf(directory, "muted"), "7 3\n");
    assert.equal(await textOf(directory, "blocked"), "8 3\n9 3\n");
    assert.deepEqual(await readGraphFacts(directory), {
      ...{ partitions: "2/4", follows: 1, sequence: 0, empty: false },
    });
    await assert.rejects(loadFollows(part("follows", ""), { directory: tempDir(), kind: "subscriptions" }), {
      code: "BAD_FOLLOWS_FILE",
    });
  });

  it("loading into a graph - keeps muted users muted and blocked users out", async () => {
    const directory = tempDir();
    const store = await GraphStore.open(directory);
    await store.apply([
      change("subscribe", "7", "42"),
      change("mute", "7", "42"),
      change("block", "9", "42"),
      change("block", "9", "43"),
    ]);
    await store.close();
    await load("7 42\n8 42\n9 42\n9 43\n9 44\n", directory);
    const again = await GraphStore.open(directory);
    const ids = [...again.followers(parseTopic("42"))].flatMap((set) => [...set]);
    assert.deepEqual(ids, [8]);
    assert.equal(again.follows, 3);
    assert.deepEqual(again.pageSubscriptions(parseUserId("9"), undefined, 10).names, ["44"]);
    await again.close();
    assert.equal(await textOf(directory), "7 42\n8 42\n9 44\n");
  });

  it("a directory without a graph - is an error, and none is created", async () => {
    const directory = join(tempDir(), "nothing");
    await assert.rejects(textOf(directory), { code: "GRAPH_DIR_FOREIGN", message: /holds no graph/ });
    await assert.rejects(readGraphFacts(directory), { code: "GRAPH_DIR_FOREIGN", message: /holds no graph/ });
    assert.equal(existsSync(directory), false);
  });
});
