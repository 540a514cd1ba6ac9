import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { parseTopic, parseUserId } from "../broker/contract.ts";
import { tempDir } from "../test/support/temp-dir.ts";
import { GraphStore } from "./graph-store.ts";
import type { ChangeKind } from "./store/changes.ts";

const RJ = parseTopic("rj");
const ALL_USERS = Array.from({ length: 30_000 }, (_, index) => String(index + 1));
/** Users, of every chunk, who follow and unfollow, or are muted and unmuted. */
const SOME = ALL_USERS.filter((_, index) => index % 4 === 0);
const OTHERS = ALL_USERS.filter((_, index) => index % 4 !== 0);
/** Enough users that the rest fits into a row without chunks. */
const MOST = ALL_USERS.slice(1_000);
const FEW = ALL_USERS.slice(0, 1_000);
const ALL = ALL_USERS.length;
const COMMIT_MS = 10_000;

async function storeOfRj(): Promise<GraphStore> {
  const store = await GraphStore.open(tempDir());
  await change(store, "subscribe", ALL_USERS);
  return store;
}

const change = (store: GraphStore, kind: ChangeKind, users: readonly string[]): Promise<unknown> =>
  store.apply(users.map((user) => ({ kind, subscriber: parseUserId(user), topic: RJ })));

/** Returns all pages read while LevelDB's own thread wrote a commit, until `isSeen` returned true. */
async function pagesDuring(
  commit: Promise<unknown>,
  store: GraphStore,
  isSeen: () => boolean,
): Promise<string[]> {
  await turn(); // the thread has the batch, whose promise cannot resolve before this turn ends
  const deadline = performance.now() + COMMIT_MS;
  const pages = new Set<string>();
  const read = (): unknown => pages.add(store.pageFollowers(RJ, undefined, ALL).names.join());
  while (!isSeen()) {
    assert.ok(performance.now() < deadline, "the commit was not seen");
    read();
  }
  read();
  await commit;
  return [...pages];
}

describe("pages of a long row that changes", () => {
  it("mutes, which move users between rows - every page lists each follower once", async () => {
    const store = await storeOfRj();
    for (const kind of ["mute", "unmute", "mute", "unmute"] as const) {
      const wanted = kind === "mute" ? SOME.length : 0;
      const isSeen = () => store.pageMuted(RJ, undefined, ALL).names.length === wanted;
      const pages = await pagesDuring(change(store, kind, SOME), store, isSeen);
      assert.ok(
        pages.length === 1 && pages[0] === ALL_USERS.join(),
        `${kind}: ${pages.length} kinds of page`,
      );
    }
    await store.close();
  });

  it("chunks that come and go - a page is the row before or after the commit", async () => {
    const store = await storeOfRj();
    for (let round = 0; round < 8; round += 1) {
      const [kind, wanted] =
        round % 2 === 0 ? (["unsubscribe", FEW] as const) : (["subscribe", ALL_USERS] as const);
      const isSeen = () => store.countFollowers(RJ) === wanted.length;
      const pages = await pagesDuring(change(store, kind, MOST), store, isSeen);
      const known = pages.filter((page) => page === ALL_USERS.join() || page === FEW.join());
      assert.equal(known.length, pages.length, `${kind}: ${pages.length} kinds of page`);
      assert.equal(pages.at(-1), wanted.join());
    }
    await store.close();
  });

  it("a listing during changes - lists every permanent follower exactly once", async () => {
    const store = await storeOfRj();
    const names: string[] = [];
    const limit = 5_000;
    for (let after: string | undefined, more = true; more; more = after !== undefined) {
      const page = store.pageFollowers(RJ, after, limit);
      names.push(...page.names);
      after = page.next;
      await change(store, names.length % (2 * limit) === 0 ? "subscribe" : "unsubscribe", SOME);
    }
    assert.equal(new Set(names).size, names.length);
    const listed = new Set(names);
    assert.deepEqual(
      OTHERS.filter((user) => !listed.has(user)),
      [],
    );
    await store.close();
  });
});

describe("pages after a name", () => {
  const subscribe = (
    store: GraphStore,
    kind: ChangeKind,
    subscriber: string,
    topic: string,
  ): Promise<unknown> =>
    store.apply([{ kind, subscriber: parseUserId(subscriber), topic: parseTopic(topic) }]);

  it("a name that the graph never held - is refused by every list, which does not restart", async () => {
    const store = await GraphStore.open(tempDir());
    await subscribe(store, "subscribe", "alice", "rj");
    const alice = parseUserId("alice");
    for (const after of ["bob", "", "a b", "3000000000", "007", "x".repeat(10_000)])
      for (const page of [
        () => store.pageFollowers(RJ, after, 10),
        () => store.pageMuted(RJ, after, 10),
        () => store.pageBlocked(RJ, after, 10),
        () => store.pageSubscriptions(alice, after, 10),
        () => store.pageMutual(alice, alice, after, 10),
        () => store.pageFollowers(parseTopic("unknown.topic"), after, 10),
      ])
        assert.throws(page, {
          code: "BAD_REQUEST",
          message: /^"after" ".*was not returned by this graph: pass the `next`/,
        });
    await store.close();
  });

  it("a name that has left the list - continues at its place, even after a restart", async () => {
    const directory = tempDir();
    let store = await GraphStore.open(directory);
    for (const name of ["ann", "bob", "cid", "dan"]) await subscribe(store, "subscribe", name, "rj");
    const first = store.pageFollowers(RJ, undefined, 2);
    assert.deepEqual(first, { names: ["ann", "bob"], next: "bob" });
    await subscribe(store, "unsubscribe", "bob", "rj");
    assert.deepEqual(store.pageFollowers(RJ, first.next, 2).names, ["cid", "dan"]);
    await store.close();
    store = await GraphStore.open(directory);
    assert.deepEqual(store.pageFollowers(RJ, first.next, 2).names, ["cid", "dan"]);
    await store.close();
  });

  it("a decimal name - is a place of its own, whether or not it was listed", async () => {
    const store = await GraphStore.open(tempDir());
    for (const name of ["7", "9", "bob"]) await subscribe(store, "subscribe", name, "rj");
    assert.deepEqual(store.pageFollowers(RJ, "8", 10).names, ["9", "bob"]);
    await store.close();
  });
});
