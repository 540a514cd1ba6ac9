import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { parseTopic, parseUserId } from "../../broker/contract.ts";
import { tempDir } from "../../test/support/temp-dir.ts";
import { generateFriendships } from "../generate.ts";
import { GraphStore } from "../graph-store.ts";
import { Random } from "../random.ts";
import { openDatabase, withDatabase } from "../store/database.ts";
import { META } from "../store/keys.ts";
import { LOAD_KINDS, type LoadKind } from "./gather.ts";
import { type LoadOptions, type LoadReport, loadFollows } from "./load.ts";

async function loadText(
  content: string | Buffer,
  options: Partial<LoadOptions> & { kind: LoadKind },
  name = "follows.txt",
): Promise<{ report: LoadReport; directory: string }> {
  const directory = options.directory ?? tempDir();
  const path = join(tempDir(), name);
  writeFileSync(path, content);
  return { report: await loadFollows({ path }, { directory, ...options }), directory };
}

async function followersIn(directory: string, topic: string): Promise<readonly string[]> {
  const store = await GraphStore.open(directory);
  try {
    return store.pageFollowers(parseTopic(topic), undefined, 1_000).names;
  } finally {
    await store.close();
  }
}

/** Returns everything in a graph's database except its format. */
async function everythingIn(directory: string): Promise<[string, string][]> {
  return withDatabase(await openDatabase(directory), async (db) =>
    (await db.iterator().all()).map(([key, value]) => [key, Buffer.from(value).toString("hex")]),
  );
}

describe("bulk load", () => {
  it("friendships - count in both directions", async () => {
    const { report, directory } = await loadText("1 2\n1 3\n", { kind: "friendships" });
    assert.equal(report.follows, 4);
    assert.deepEqual(await followersIn(directory, "1"), ["2", "3"]);
    assert.deepEqual(await followersIn(directory, "2"), ["1"]);
  });

  it("subscriptions - make the first name follow the second", async () => {
    const { directory } = await loadText("alice rj\nbob rj\nalice photo.789\n", { kind: "subscriptions" });
    assert.deepEqual(await followersIn(directory, "rj"), ["alice", "bob"]);
    assert.deepEqual(await followersIn(directory, "photo.789"), ["alice"]);
    assert.deepEqual(await followersIn(directory, "alice"), []);
    const store = await GraphStore.open(directory);
    assert.deepEqual(store.pageSubscriptions(parseUserId("alice"), undefined, 10).names, ["rj", "photo.789"]);
    await store.close();
  });

  it("loading again - adds what is missing and reports the number", async () => {
    const { directory } = await loadText("1 2\n1 2\n2 1\n", { kind: "friendships" });
    const { report } = await loadText("1 2\n1 3\n", { kind: "friendships", directory });
    assert.deepEqual([report.added, report.follows], [2, 4]);
    assert.deepEqual(await followersIn(directory, "1"), ["2", "3"]);
  });

  it("sparse and interned ids - can be mixed", async () => {
    const { directory } = await loadText("2000000000 1\nzoe 2000000000\nzoe 9999999999999999999\n", {
      kind: "friendships",
    });
    assert.deepEqual(await followersIn(directory, "2000000000"), ["1", "zoe"]);
    assert.deepEqual([...(await followersIn(directory, "zoe"))].sort(), [
      "2000000000",
      "9999999999999999999",
    ]);
  });

  it("a .gz file and a stream - are loaded as well", async () => {
    const { report } = await loadText(gzipSync("1 2\n3 4\n"), { kind: "friendships" }, "follows.txt.gz");
    assert.equal(report.added, 4);
    const directory = tempDir();
    await loadFollows(
      { stream: Readable.from([Buffer.from("1 "), Buffer.from("2\n")]), name: "standard input" },
      { directory, kind: "friendships" },
    );
    assert.deepEqual(await followersIn(directory, "1"), ["2"]);
  });

  it("bad lines and self-follows - are left out, counted and shown", async () => {
    const { report } = await loadText("1 2\n3 3\nä b\na.b c\n4\n", { kind: "friendships" });
    assert.deepEqual([report.added, report.selfFollows, report.badLines], [2, 1, 3]);
    assert.match(report.shown[0] ?? "", /follows\.txt:3: "ä" is not a user id/);
    assert.match(report.shown[1] ?? "", /follows\.txt:4: "a\.b" is not a user id/);
    assert.match(report.shown[2] ?? "", /follows\.txt:5: expected two names/);
  });

  const hostile: readonly (readonly [string, string | Buffer, string, RegExp])[] = [
    ["empty", "", "follows.txt", /contains no follow in 0 lines/],
    ["binary", Buffer.from([1, 2, 0, 3, 10, 255]), "follows.txt", /follows\.txt:1: the line has a zero byte/],
    [
      "binary data after valid lines",
      Buffer.from("1 2\n3 4\n\0"),
      "follows.txt",
      /follows\.txt:3: .* zero byte/,
    ],
    [
      "an endless line",
      `1 2\n${"7".repeat(1e6)}`,
      "follows.txt",
      /follows\.txt:2: the line has over 1024 bytes/,
    ],
    [
      "20 digits",
      "12345678901234567890 1\n",
      "follows.txt",
      /:1: "12345678901234567890" is a number of over 19/,
    ],
    ["negative numbers", "1 -1\n", "follows.txt", /:1: "-1" is a negative number/],
    [
      "three columns",
      "1 2 3\n4 5 6\n",
      "follows.txt",
      /contains no follow in 2 lines.*:1: expected two names/,
    ],
    ["truncated gzip", gzipSync("1 2\n".repeat(1_000)).subarray(0, 30), "follows.gz", /cannot be read/],
    ["no gzip", "1 2\n", "follows.gz", /cannot be read/],
  ];
  for (const [what, content, name, message] of hostile) {
    it(`${what} - fails with a clear error, and the graph is unchanged`, async () => {
      const { directory } = await loadText("1 2\n", { kind: "friendships" });
      await assert.rejects(loadText(content, { kind: "friendships", directory }, name), {
        code: "BAD_FOLLOWS_FILE",
        message,
      });
      assert.deepEqual(await followersIn(directory, "1"), ["2"]);
    });
  }

  it("0 and 4294967296 - are distinct names like any other", async () => {
    const { directory } = await loadText("0 1\n4294967296 2\n4294967297 0\n", { kind: "friendships" });
    assert.deepEqual(await followersIn(directory, "0"), ["1", "4294967297"]);
    assert.deepEqual(await followersIn(directory, "1"), ["0"]);
    assert.deepEqual(await followersIn(directory, "2"), ["4294967296"]);
  });

  it("duplicates - are counted, in either order for friendships", async () => {
    const text = "1 2\n2 1\n1 2\nzoe 1\n3 3\n1 zoe\n";
    const both = await loadText(text, { kind: "friendships" });
    assert.deepEqual([both.report.duplicates, both.report.selfFollows, both.report.follows], [3, 1, 4]);
    const oneWay = await loadText(text, { kind: "subscriptions" });
    assert.deepEqual([oneWay.report.duplicates, oneWay.report.follows], [1, 4]);
  });

  it("more follows than fit into a block - yield the same rows and leave no file behind", async () => {
    const random = new Random(5);
    const text = Array.from({ length: 3_000 }, () => `${random.below(300)} u${random.below(60)}\n`).join("");
    for (const kind of LOAD_KINDS) {
      const inMemory = await loadText(text, { kind });
      const inRuns = await loadText(text, { kind, blockFollows: 250 });
      assert.deepEqual(inRuns.report, { ...inMemory.report, shown: inRuns.report.shown });
      assert.deepEqual(await everythingIn(inRuns.directory), await everythingIn(inMemory.directory));
      assert.equal(existsSync(join(inRuns.directory, "load-runs")), false);
    }
  });

  it("a hub - is chunked, complete, and can be changed", async () => {
    const text = Array.from({ length: 20_000 }, (_, index) => `${3 * index + 10} 1\n`).join("");
    const { directory } = await loadText(text, { kind: "subscriptions" });
    const store = await GraphStore.open(directory);
    const hub = parseTopic("1");
    const ids = () => [...store.followers(hub)].flatMap((set) => [...set]);
    assert.deepEqual(
      ids(),
      Array.from({ length: 20_000 }, (_, index) => 3 * index + 10),
    );
    const changes = ["5", "30011", "70000"].map((id) => ({
      ...{ kind: "subscribe" as const, topic: hub },
      subscriber: parseUserId(id),
    }));
    assert.deepEqual(await store.apply(changes), ["changed", "changed", "changed"]);
    assert.equal(store.countFollowers(hub), 20_003);
    assert.deepEqual(
      ids(),
      ids().toSorted((a, b) => a - b),
    );
    await store.close();
  });

  it("a missing file - is an error that names it", async () => {
    await assert.rejects(
      loadFollows({ path: "/nowhere/follows" }, { directory: tempDir(), kind: "friendships" }),
      { code: "BAD_FOLLOWS_FILE", message: /check the path/ },
    );
  });

  it("stopped while it reads - fails, and the graph is unchanged", async () => {
    const { directory } = await loadText("1 2\n", { kind: "friendships" });
    const signal = AbortSignal.abort();
    await assert.rejects(loadText("3 4\n", { kind: "friendships", directory, signal }), {
      code: "LOAD_STOPPED",
      message: /follows\.txt: the graph is unchanged/,
    });
    assert.deepEqual(await followersIn(directory, "3"), []);
  });

  it("strict - stops at the first bad line and loads nothing", async () => {
    const directory = tempDir();
    await assert.rejects(loadText("1 2\nx\n", { kind: "friendships", strict: true, directory }), {
      code: "BAD_FOLLOWS_FILE",
      message: /follows\.txt:2/,
    });
    assert.deepEqual(await followersIn(directory, "1"), []);
  });

  it("a load that did not finish - is not served until the same load is repeated", async () => {
    const { directory } = await loadText("1 2\n", { kind: "friendships" });
    await withDatabase(await openDatabase(directory), (db) =>
      db.put(META.loading, new TextEncoder().encode("follows.txt")),
    );
    await assert.rejects(GraphStore.open(directory), { code: "GRAPH_HALF_LOADED", message: /follows\.txt/ });
    await loadText("1 2\n1 3\n", { kind: "friendships", directory });
    assert.deepEqual(await followersIn(directory, "1"), ["2", "3"]);
  });

  it("a generated graph - has every friendship in both directions", async () => {
    const shape = { users: 2_000, friends: 15, seed: 3 };
    const directory = join(tempDir(), "made");
    assert.equal(existsSync(directory), false);
    await loadFollows(
      { name: "made", newcomers: generateFriendships(shape) },
      { directory, kind: "friendships" },
    );
    const friends = new Map<number, number[]>();
    for (const newcomer of generateFriendships(shape)) {
      for (const friend of newcomer.friends) {
        friends.set(friend, [...(friends.get(friend) ?? []), newcomer.id]);
        friends.set(newcomer.id, [...(friends.get(newcomer.id) ?? []), friend]);
      }
    }
    const store = await GraphStore.open(directory);
    for (const [user, expected] of friends) {
      const ids = [...store.followers(parseTopic(String(user)))].flatMap((set) => [...set]);
      assert.deepEqual(
        ids,
        expected.sort((a, b) => a - b),
      );
      assert.equal(store.countSubscriptions(parseUserId(String(user))), expected.length);
    }
    await store.close();
  });
});
