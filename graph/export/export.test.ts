import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, it } from "node:test";
import { parseTopic, parseUserId } from "../../broker/contract.ts";
import { Random } from "../../lib/random.ts";
import { tempDir } from "../../test/support/temp-dir.ts";
import { loadEdges } from "../load/load.ts";
import type { Change, ChangeKind } from "../store/changes.ts";
import { GraphStore } from "../store/store.ts";
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
  await loadEdges({ stream, name: "the export" }, { directory, kind: "subscriptions", strict: true });
}

describe("export", () => {
  it("loaded and exported again - the same bytes, whatever numbers the names had", async () => {
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
    // more than one chunk of a celebrity, of both sorts of names
    const fans = Array.from({ length: 20_000 }, (_, index) =>
      index % 2 === 0 ? String(index) : `fan${index}`,
    );
    await store.apply(fans.map((fan) => change("subscribe", fan, "star")));
    const { edges } = store;
    await store.close();

    const text = await textOf(first);
    assert.equal(text.split("\n").length - 1, edges);
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
      "who is muted follows",
    );
    assert.ok(
      !blocked
        .trim()
        .split("\n")
        .some((line) => lines.has(line)),
      "who is blocked does not",
    );
  });

  it("loading into a graph - who is muted stays muted, who is blocked stays out", async () => {
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
    assert.equal(again.edges, 3);
    assert.deepEqual(again.pageSubscriptions(parseUserId("9"), undefined, 10).names, ["44"]);
    await again.close();
    assert.equal(await textOf(directory), "7 42\n8 42\n9 44\n");
  });

  it("no graph - is an error, and makes none", async () => {
    const directory = join(tempDir(), "nothing");
    await assert.rejects(textOf(directory), { code: "GRAPH_DIR_FOREIGN", message: /holds no graph/ });
    assert.equal(existsSync(directory), false);
  });
});
