import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { parseTopic, parseUserId } from "../broker/contract.ts";
import { tempDir } from "../test/support/temp-dir.ts";
import { GraphStore } from "./graph-store.ts";
import type { ChangeKind } from "./store/changes.ts";

const RJ = parseTopic("rj");
const EVERYBODY = Array.from({ length: 30_000 }, (_, index) => String(index + 1));
/** Those who come and go, or are muted and unmuted: some of every chunk. */
const SOME = EVERYBODY.filter((_, index) => index % 4 === 0);
const OTHERS = EVERYBODY.filter((_, index) => index % 4 !== 0);
/** All but so few that the row needs no chunks. */
const MOST = EVERYBODY.slice(1_000);
const FEW = EVERYBODY.slice(0, 1_000);
const ALL = EVERYBODY.length;
const COMMIT_MS = 10_000;

async function storeOfRj(): Promise<GraphStore> {
  const store = await GraphStore.open(tempDir());
  await change(store, "subscribe", EVERYBODY);
  return store;
}

const change = (store: GraphStore, kind: ChangeKind, users: readonly string[]): Promise<unknown> =>
  store.apply(users.map((user) => ({ kind, subscriber: parseUserId(user), topic: RJ })));

/** All pages that were read while LevelDB's own thread wrote a commit, until `isSeen` said that it is there. */
async function pagesDuring(
  commit: Promise<unknown>,
  store: GraphStore,
  isSeen: () => boolean,
): Promise<string[]> {
  await turn(); // the batch is with the thread, and its promise cannot be resolved before this turn ends
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

describe("pages - of a long row while it changes", () => {
  it("a mute moves somebody from one row to another - and every page lists all who follow, once", async () => {
    const store = await storeOfRj();
    for (const kind of ["mute", "unmute", "mute", "unmute"] as const) {
      const wanted = kind === "mute" ? SOME.length : 0;
      const isSeen = () => store.pageMuted(RJ, undefined, ALL).names.length === wanted;
      const pages = await pagesDuring(change(store, kind, SOME), store, isSeen);
      assert.ok(
        pages.length === 1 && pages[0] === EVERYBODY.join(),
        `${kind}: ${pages.length} kinds of page`,
      );
    }
    await store.close();
  });

  it("chunks come and go - and a page is the row before the commit or behind it", async () => {
    const store = await storeOfRj();
    for (let round = 0; round < 8; round += 1) {
      const [kind, wanted] =
        round % 2 === 0 ? (["unsubscribe", FEW] as const) : (["subscribe", EVERYBODY] as const);
      const isSeen = () => store.countFollowers(RJ) === wanted.length;
      const pages = await pagesDuring(change(store, kind, MOST), store, isSeen);
      const known = pages.filter((page) => page === EVERYBODY.join() || page === FEW.join());
      assert.equal(known.length, pages.length, `${kind}: ${pages.length} kinds of page`);
      assert.equal(pages.at(-1), wanted.join());
    }
    await store.close();
  });

  it("page behind page - lists once who follows all the while, whoever comes and goes between them", async () => {
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

describe("pages - after a name", () => {
  const subscribe = (
    store: GraphStore,
    kind: ChangeKind,
    subscriber: string,
    topic: string,
  ): Promise<unknown> =>
    store.apply([{ kind, subscriber: parseUserId(subscriber), topic: parseTopic(topic) }]);

  it("that this graph has never held - is refused by every list, and the list does not begin again", async () => {
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
        () => store.pageFollowers(parseTopic("nobody.there"), after, 10),
      ])
        assert.throws(page, {
          code: "BAD_REQUEST",
          message: /^"after" ".*is on no page of this graph: give the `next`/,
        });
    await store.close();
  });

  it("that has left the list meanwhile - goes on where it stood, over a restart too", async () => {
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

  it("that is a number - is a place of its own, whether or not it was listed", async () => {
    const store = await GraphStore.open(tempDir());
    for (const name of ["7", "9", "bob"]) await subscribe(store, "subscribe", name, "rj");
    assert.deepEqual(store.pageFollowers(RJ, "8", 10).names, ["9", "bob"]);
    await store.close();
  });
});
