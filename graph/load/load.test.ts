import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { parseTopic, parseUserId } from "../../broker/contract.ts";
import { tempDir } from "../../test/support/temp-dir.ts";
import { generateFriendships } from "../generate.ts";
import { openDatabase } from "../store/database.ts";
import { META } from "../store/keys.ts";
import { GraphStore } from "../store/store.ts";
import { EdgeParser, type Name } from "./edge-parser.ts";
import { type LoadKind, type LoadOptions, type LoadReport, loadEdges } from "./load.ts";

async function loadText(
  content: string | Buffer,
  options: Partial<LoadOptions> & { kind: LoadKind },
  name = "edges.txt",
): Promise<{ report: LoadReport; directory: string }> {
  const directory = options.directory ?? tempDir();
  const path = join(tempDir(), name);
  writeFileSync(path, content);
  return { report: await loadEdges({ path }, { directory, ...options }), directory };
}

async function followersIn(directory: string, topic: string): Promise<readonly string[]> {
  const store = await GraphStore.open(directory);
  try {
    return store.pageFollowers(parseTopic(topic), undefined, 1_000).names;
  } finally {
    await store.close();
  }
}

describe("edge list parser", () => {
  const parse = (text: string, pieces: number): { edges: [Name, Name][]; bad: string[]; lines: number } => {
    const edges: [Name, Name][] = [];
    const bad: string[] = [];
    const parser = new EdgeParser({
      onEdge: (left, right) => edges.push([left, right]),
      onBadLine: (line, why) => bad.push(`${line}: ${why}`),
    });
    const bytes = Buffer.from(text, "latin1");
    for (let at = 0; at < bytes.length; at += pieces) parser.push(bytes.subarray(at, at + pieces));
    parser.end();
    return { edges, bad, lines: parser.lines };
  };

  it("line ends, blanks, comments - in pieces of every size", () => {
    const text = "1 2\r\n3\t4\n\n# comment\r 5   6 \ralice photo.789\n007 0\n7 8";
    for (let pieces = 1; pieces <= text.length; pieces += 1) {
      const { edges, bad } = parse(text, pieces);
      assert.deepEqual(
        edges,
        [
          [1, 2],
          [3, 4],
          [5, 6],
          ["alice", "photo.789"],
          ["007", 0],
          [7, 8],
        ],
        `pieces of ${pieces}`,
      );
      assert.deepEqual(bad, []);
    }
  });

  it("what is no edge - is reported with its line, the rest goes on", () => {
    const { edges, bad, lines } = parse("1 2\n3\n4 5 6\n\xff\xfe 1\n7 8\n", 4);
    assert.deepEqual(edges, [
      [1, 2],
      [7, 8],
    ]);
    assert.deepEqual(bad, [
      "2: expected two names on the line",
      "3: expected two names on the line",
      "4: it is not text",
    ]);
    assert.equal(lines, 5);
  });

  it("no text at all - is refused, not parsed", () => {
    assert.throws(() => parse("1 2\n\u0000\u0001", 100), { code: "BAD_EDGE_FILE", message: /zero bytes/ });
    assert.throws(() => parse("x".repeat(5_000), 100), { code: "BAD_EDGE_FILE", message: /line 1 has over/ });
  });
});

describe("loading", () => {
  it("friendships - count both ways", async () => {
    const { report, directory } = await loadText("1 2\n1 3\n", { kind: "friendships" });
    assert.equal(report.edges, 4);
    assert.deepEqual(await followersIn(directory, "1"), ["2", "3"]);
    assert.deepEqual(await followersIn(directory, "2"), ["1"]);
  });

  it("subscriptions - the first follows the second, as written", async () => {
    const { directory } = await loadText("alice rj\nbob rj\nalice photo.789\n", { kind: "subscriptions" });
    assert.deepEqual(await followersIn(directory, "rj"), ["alice", "bob"]);
    assert.deepEqual(await followersIn(directory, "photo.789"), ["alice"]);
    assert.deepEqual(await followersIn(directory, "alice"), []);
    const store = await GraphStore.open(directory);
    assert.deepEqual(store.pageSubscriptions(parseUserId("alice"), undefined, 10).names, ["rj", "photo.789"]);
    await store.close();
  });

  it("again, or more - adds what is missing and says how much that was", async () => {
    const { directory } = await loadText("1 2\n1 2\n2 1\n", { kind: "friendships" });
    const { report } = await loadText("1 2\n1 3\n", { kind: "friendships", directory });
    assert.deepEqual([report.added, report.edges], [2, 4]);
    assert.deepEqual(await followersIn(directory, "1"), ["2", "3"]);
  });

  it("sparse and interned ids - side by side", async () => {
    const { directory } = await loadText("2000000000 1\nzoe 2000000000\nzoe 99999999999999999999\n", {
      kind: "friendships",
    });
    assert.deepEqual(await followersIn(directory, "2000000000"), ["1", "zoe"]);
    assert.deepEqual([...(await followersIn(directory, "zoe"))].sort(), [
      "2000000000",
      "99999999999999999999",
    ]);
  });

  it(".gz and a stream - work likewise", async () => {
    const { report } = await loadText(gzipSync("1 2\n3 4\n"), { kind: "friendships" }, "edges.txt.gz");
    assert.equal(report.added, 4);
    const directory = tempDir();
    await loadEdges(
      { stream: Readable.from([Buffer.from("1 "), Buffer.from("2\n")]), name: "standard input" },
      { directory, kind: "friendships" },
    );
    assert.deepEqual(await followersIn(directory, "1"), ["2"]);
  });

  it("bad lines and self edges - are left out, counted and shown", async () => {
    const { report } = await loadText("1 2\n3 3\nä b\na.b c\n4\n", { kind: "friendships" });
    assert.deepEqual([report.added, report.selfEdges, report.badLines], [2, 1, 3]);
    assert.match(report.shown[0] ?? "", /edges\.txt:3: "ä" is not a user id/);
    assert.match(report.shown[1] ?? "", /edges\.txt:4: "a\.b" is not a user id/);
    assert.match(report.shown[2] ?? "", /edges\.txt:5: expected two names/);
  });

  const hostile: readonly (readonly [string, string | Buffer, string, RegExp])[] = [
    ["empty", "", "edges.txt", /holds no edge in 0 lines/],
    ["binary", Buffer.from([1, 2, 0, 3, 10, 255]), "edges.txt", /zero bytes/],
    ["three columns", "1 2 3\n4 5 6\n", "edges.txt", /holds no edge in 2 lines.*:1: expected two names/],
    ["truncated gzip", gzipSync("1 2\n".repeat(1_000)).subarray(0, 30), "edges.gz", /cannot be read/],
    ["no gzip", "1 2\n", "edges.gz", /cannot be read/],
  ];
  for (const [what, content, name, message] of hostile) {
    it(`${what} - a clear error, and the graph is as it was`, async () => {
      const { directory } = await loadText("1 2\n", { kind: "friendships" });
      await assert.rejects(loadText(content, { kind: "friendships", directory }, name), {
        code: "BAD_EDGE_FILE",
        message,
      });
      assert.deepEqual(await followersIn(directory, "1"), ["2"]);
    });
  }

  it("no such file - says so", async () => {
    await assert.rejects(
      loadEdges({ path: "/nowhere/edges" }, { directory: tempDir(), kind: "friendships" }),
      { code: "BAD_EDGE_FILE", message: /check the path/ },
    );
  });

  it("--strict - stops at the first bad line, nothing is loaded", async () => {
    const directory = tempDir();
    await assert.rejects(loadText("1 2\nx\n", { kind: "friendships", strict: true, directory }), {
      code: "BAD_EDGE_FILE",
      message: /edges\.txt:2/,
    });
    assert.deepEqual(await followersIn(directory, "1"), []);
  });

  it("a load that did not finish - is not served, and the same load mends it", async () => {
    const { directory } = await loadText("1 2\n", { kind: "friendships" });
    const { db, release } = await openDatabase(directory);
    await db.put(META.loading, new TextEncoder().encode("edges.txt"));
    await db.close();
    release();
    await assert.rejects(GraphStore.open(directory), { code: "GRAPH_HALF_LOADED", message: /edges\.txt/ });
    await loadText("1 2\n1 3\n", { kind: "friendships", directory });
    assert.deepEqual(await followersIn(directory, "1"), ["2", "3"]);
  });

  it("a generated graph - every friendship is there, both ways", async () => {
    const shape = { users: 2_000, edges: 15, seed: 3 };
    const directory = join(tempDir(), "made");
    assert.equal(existsSync(directory), false);
    await loadEdges(
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
