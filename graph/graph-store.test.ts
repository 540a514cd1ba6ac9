import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parseTopic, parseUserId } from "../broker/contract.ts";
import { tempDir } from "../test/support/temp-dir.ts";
import { GraphStore } from "./graph-store.ts";
import type { Change, ChangeKind } from "./store/changes.ts";

const change = (kind: ChangeKind, subscriber: string, topic: string): Change => ({
  kind,
  subscriber: parseUserId(subscriber),
  topic: parseTopic(topic),
});
const follow = (subscriber: string, topic: string): Change => change("subscribe", subscriber, topic);
const unfollow = (subscriber: string, topic: string): Change => change("unsubscribe", subscriber, topic);
const followersOf = (store: GraphStore, topic: string): string[] =>
  [...store.followers(parseTopic(topic))].flatMap((ids) => [...ids].map((id) => store.nameOf(id)));

describe("graph store", () => {
  it("follow and unfollow - change both directions and the counts, and return outcomes", async () => {
    const store = await GraphStore.open(tempDir());
    const changed = await store.apply([
      follow("alice", "rj"),
      follow("bob", "rj"),
      follow("alice", "rj"),
      follow("alice", "photo.789"),
    ]);
    assert.deepEqual(changed, ["changed", "changed", "unchanged", "changed"]);
    assert.deepEqual(followersOf(store, "rj"), ["alice", "bob"]);
    assert.equal(store.countFollowers(parseTopic("rj")), 2);
    assert.equal(store.countSubscriptions(parseUserId("alice")), 2);
    assert.deepEqual(store.pageSubscriptions(parseUserId("alice"), undefined, 10).names, ["rj", "photo.789"]);
    assert.deepEqual(
      await store.apply([unfollow("bob", "rj"), unfollow("bob", "rj"), unfollow("unknown", "nothing")]),
      ["changed", "unchanged", "unchanged"],
    );
    assert.deepEqual(followersOf(store, "rj"), ["alice"]);
    assert.equal(store.follows, 2);
    await store.close();
  });

  it("following oneself - is implied and never listed", async () => {
    const store = await GraphStore.open(tempDir());
    assert.deepEqual(await store.apply([follow("rj", "rj")]), ["unchanged"]);
    assert.deepEqual(followersOf(store, "rj"), []);
    await store.close();
  });

  it("mute - keeps the follow listed and counted but sends nothing, until unmute", async () => {
    const store = await GraphStore.open(tempDir());
    const rj = parseTopic("rj");
    const alice = parseUserId("alice");
    await store.apply([follow("alice", "rj"), follow("bob", "rj")]);
    assert.deepEqual(
      await store.apply([
        change("mute", "alice", "rj"),
        change("mute", "alice", "rj"),
        change("mute", "carol", "rj"),
      ]),
      ["changed", "unchanged", "unchanged"],
    );
    assert.deepEqual(followersOf(store, "rj"), ["bob"]);
    assert.deepEqual(store.pageFollowers(rj, undefined, 10).names, ["alice", "bob"]);
    assert.deepEqual(store.pageMuted(rj, undefined, 10).names, ["alice"]);
    assert.deepEqual(store.pageSubscriptions(alice, undefined, 10).names, ["rj"]);
    assert.equal(store.countFollowers(rj), 2);
    assert.deepEqual(
      await store.apply([follow("alice", "rj")]),
      ["unchanged"],
      "following again does not unmute",
    );
    assert.deepEqual(await store.apply([change("unmute", "alice", "rj"), change("unmute", "bob", "rj")]), [
      "changed",
      "unchanged",
    ]);
    assert.deepEqual(followersOf(store, "rj"), ["alice", "bob"]);
    assert.deepEqual(
      await store.apply([change("mute", "alice", "rj"), unfollow("alice", "rj"), follow("alice", "rj")]),
      ["changed", "changed", "changed"],
    );
    assert.deepEqual(
      followersOf(store, "rj"),
      ["alice", "bob"],
      "a user who unfollowed and follows again is not muted",
    );
    assert.equal(store.follows, 2);
    await store.close();
  });

  it("block - removes a follow, muted or not, and refuses it until unblock", async () => {
    const store = await GraphStore.open(tempDir());
    const rj = parseTopic("rj");
    await store.apply([follow("alice", "rj"), follow("bob", "rj"), change("mute", "bob", "rj")]);
    assert.deepEqual(
      await store.apply(
        ["alice", "bob", "stranger", "alice", "rj"].map((user) => change("block", user, "rj")),
      ),
      ["changed", "changed", "changed", "unchanged", "unchanged"],
    );
    assert.equal(store.countFollowers(rj), 0);
    assert.equal(store.countSubscriptions(parseUserId("bob")), 0);
    assert.equal(store.follows, 0);
    assert.deepEqual(store.pageBlocked(rj, undefined, 10).names, ["alice", "bob", "stranger"]);
    assert.deepEqual(
      await store.apply([follow("stranger", "rj"), follow("carol", "rj"), follow("alice", "photo.1")]),
      ["blocked", "changed", "changed"],
    );
    assert.deepEqual(
      await store.apply([
        change("unblock", "stranger", "rj"),
        change("unblock", "stranger", "rj"),
        follow("stranger", "rj"),
      ]),
      ["changed", "unchanged", "changed"],
    );
    assert.deepEqual(store.pageFollowers(rj, undefined, 10).names, ["stranger", "carol"]);
    await store.close();
  });

  it("pages of followers - keep one order, whether or not users are muted", async () => {
    const store = await GraphStore.open(tempDir());
    const users = Array.from({ length: 20_000 }, (_, index) => String(index + 1));
    await store.apply(users.map((user) => follow(user, "rj")));
    await store.apply(users.filter((_, index) => index % 3 === 0).map((user) => change("mute", user, "rj")));
    const names: string[] = [];
    for (let after: string | undefined, more = true; more; more = after !== undefined) {
      const page = store.pageFollowers(parseTopic("rj"), after, 777);
      names.push(...page.names);
      after = page.next;
    }
    assert.deepEqual(names, users);
    assert.equal(store.countFollowers(parseTopic("rj")), users.length);
    await store.close();
  });

  it("mutual - pages through the topics that both users follow", async () => {
    const store = await GraphStore.open(tempDir());
    const multiples = (user: string, step: number): Change[] =>
      Array.from({ length: Math.floor(60_000 / step) }, (_, index) =>
        follow(user, String((index + 1) * step)),
      );
    await store.apply([...multiples("a", 2), ...multiples("b", 3)]);
    const [a, b] = [parseUserId("a"), parseUserId("b")];
    const names: string[] = [];
    for (let after: string | undefined, more = true; more; more = after !== undefined) {
      const page = store.pageMutual(a, b, after, 999);
      names.push(...page.names);
      after = page.next;
    }
    assert.deepEqual(
      names,
      Array.from({ length: 10_000 }, (_, index) => String((index + 1) * 6)),
    );
    assert.deepEqual(store.pageMutual(a, parseUserId("unknown"), undefined, 10).names, []);
    await store.close();
  });

  it("1,000 concurrent follows of one topic - are all stored", async () => {
    const store = await GraphStore.open(tempDir());
    await Promise.all(Array.from({ length: 1_000 }, (_, index) => store.apply([follow(`u${index}`, "rj")])));
    assert.equal(store.countFollowers(parseTopic("rj")), 1_000);
    assert.equal(new Set(followersOf(store, "rj")).size, 1_000);
    await store.close();
  });

  it("a reopened graph - is unchanged, including names", async () => {
    const directory = tempDir();
    const names = ["42", "007", "0", "2147483647", "2147483648", "99999999999999999999", "a-b_C"];
    const first = await GraphStore.open(directory);
    await first.apply(names.map((name) => follow(name, "photo.789")));
    await first.close();
    const second = await GraphStore.open(directory);
    assert.deepEqual(followersOf(second, "photo.789").sort(), [...names].sort());
    assert.equal(second.follows, names.length);
    await second.apply([follow("new", "photo.789")]);
    assert.equal(new Set(followersOf(second, "photo.789")).size, names.length + 1);
    await second.close();
  });

  it("pages of any size - cover every entry once", async () => {
    const store = await GraphStore.open(tempDir());
    await store.apply(
      Array.from({ length: 100 }, (_, index) => follow(index % 2 === 0 ? String(index) : `n${index}`, "rj")),
    );
    for (const limit of [1, 7, 99, 100, 1_000]) {
      const names: string[] = [];
      let after: string | undefined;
      do {
        const page = store.pageFollowers(parseTopic("rj"), after, limit);
        assert.ok(page.names.length <= limit);
        names.push(...page.names);
        after = page.next;
      } while (after !== undefined);
      assert.deepEqual(names, followersOf(store, "rj"));
    }
    assert.deepEqual(store.pageFollowers(parseTopic("unknown"), undefined, 10), {
      names: [],
      next: undefined,
    });
    await store.close();
  });

  it("epochs - grow with every start, even if the clock goes back", async () => {
    const directory = tempDir();
    const epochs: number[] = [];
    for (let start = 0; start < 3; start += 1) {
      const store = await GraphStore.open(directory);
      epochs.push(await store.nextEpoch(), await store.nextEpoch());
      await store.close();
    }
    assert.deepEqual(
      [...new Set(epochs)].sort((a, b) => a - b),
      epochs,
    );
  });

  it("one directory - is opened once per process, even after a failed second attempt", async () => {
    const directory = tempDir();
    const store = await GraphStore.open(directory);
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await assert.rejects(GraphStore.open(directory), {
        code: "GRAPH_DIR_BUSY",
        message: new RegExp(directory),
      });
    }
    await store.apply([follow("alice", "rj")]);
    await store.close();
    await (await GraphStore.open(directory)).close();
  });

  it("a foreign folder - is refused and left alone", async () => {
    const directory = tempDir();
    writeFileSync(join(directory, "letter.txt"), "dear diary");
    await assert.rejects(GraphStore.open(directory), { code: "GRAPH_DIR_FOREIGN", message: /letter\.txt/ });
  });

  it("too many waiting changes - are refused as a whole, and earlier ones are kept", async () => {
    const store = await GraphStore.open(tempDir());
    const many = Array.from({ length: 60_000 }, (_, index) => follow(String(index), "rj"));
    const first = store.apply(many);
    await assert.rejects(store.apply(many), { code: "GRAPH_OVERLOADED", message: /60000 changes/ });
    assert.equal(
      (await first).every((outcome) => outcome === "changed"),
      true,
    );
    assert.equal(store.countFollowers(parseTopic("rj")), 60_000);
    await store.close();
  });

  it("close - waits for accepted changes, refuses later ones, and is idempotent", async () => {
    const directory = tempDir();
    const store = await GraphStore.open(directory);
    const pending = store.apply([follow("alice", "rj")]);
    await Promise.all([store.close(), store.close()]);
    assert.deepEqual(await pending, ["changed"]);
    await assert.rejects(store.apply([follow("bob", "rj")]), { code: "GRAPH_DIR_BUSY" });
  });
});
