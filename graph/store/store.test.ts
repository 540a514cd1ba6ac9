import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parseTopic, parseUserId } from "../../broker/contract.ts";
import { tempDir } from "../../test/support/temp-dir.ts";
import { type Change, GraphStore } from "./store.ts";

const follow = (subscriber: string, topic: string): Change => ({
  kind: "subscribe",
  subscriber: parseUserId(subscriber),
  topic: parseTopic(topic),
});
const unfollow = (subscriber: string, topic: string): Change => ({
  ...follow(subscriber, topic),
  kind: "unsubscribe",
});
const followersOf = (store: GraphStore, topic: string): string[] =>
  [...store.followers(parseTopic(topic))].flatMap((ids) => [...ids].map((id) => store.nameOf(id)));

describe("graph store", () => {
  it("follow and unfollow - both directions, counted, answered by what changed", async () => {
    const store = await GraphStore.open(tempDir());
    const changed = await store.apply([
      follow("alice", "rj"),
      follow("bob", "rj"),
      follow("alice", "rj"),
      follow("alice", "photo.789"),
    ]);
    assert.deepEqual(changed, [true, true, false, true]);
    assert.deepEqual(followersOf(store, "rj"), ["alice", "bob"]);
    assert.equal(store.countFollowers(parseTopic("rj")), 2);
    assert.equal(store.countSubscriptions(parseUserId("alice")), 2);
    assert.deepEqual(store.pageSubscriptions(parseUserId("alice"), undefined, 10).names, ["rj", "photo.789"]);
    assert.deepEqual(
      await store.apply([unfollow("bob", "rj"), unfollow("bob", "rj"), unfollow("nobody", "nothing")]),
      [true, false, false],
    );
    assert.deepEqual(followersOf(store, "rj"), ["alice"]);
    assert.equal(store.edges, 2);
    await store.close();
  });

  it("oneself - is followed always, and listed never", async () => {
    const store = await GraphStore.open(tempDir());
    assert.deepEqual(await store.apply([follow("rj", "rj")]), [false]);
    assert.deepEqual(followersOf(store, "rj"), []);
    await store.close();
  });

  it("1,000 concurrent follows of one topic - are all there", async () => {
    const store = await GraphStore.open(tempDir());
    await Promise.all(Array.from({ length: 1_000 }, (_, index) => store.apply([follow(`u${index}`, "rj")])));
    assert.equal(store.countFollowers(parseTopic("rj")), 1_000);
    assert.equal(new Set(followersOf(store, "rj")).size, 1_000);
    await store.close();
  });

  it("reopened - everything is as it was, names included", async () => {
    const directory = tempDir();
    const names = ["42", "007", "0", "2147483647", "2147483648", "99999999999999999999", "a-b_C"];
    const first = await GraphStore.open(directory);
    await first.apply(names.map((name) => follow(name, "photo.789")));
    await first.close();
    const second = await GraphStore.open(directory);
    assert.deepEqual(followersOf(second, "photo.789").sort(), [...names].sort());
    assert.equal(second.edges, names.length);
    await second.apply([follow("new", "photo.789")]);
    assert.equal(new Set(followersOf(second, "photo.789")).size, names.length + 1);
    await second.close();
  });

  it("pages - cover everything once, whatever their size", async () => {
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
    assert.deepEqual(store.pageFollowers(parseTopic("nobody"), undefined, 10), {
      names: [],
      next: undefined,
    });
    await store.close();
  });

  it("epochs - grow with every start, even against the clock", async () => {
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

  it("one directory - opened once a process, also after a failed second try", async () => {
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

  it("somebody else's folder - is refused and left alone", async () => {
    const directory = tempDir();
    writeFileSync(join(directory, "letter.txt"), "dear diary");
    await assert.rejects(GraphStore.open(directory), { code: "GRAPH_DIR_FOREIGN", message: /letter\.txt/ });
  });

  it("too many waiting changes - are refused whole, those before them are kept", async () => {
    const store = await GraphStore.open(tempDir());
    const many = Array.from({ length: 60_000 }, (_, index) => follow(String(index), "rj"));
    const first = store.apply(many);
    await assert.rejects(store.apply(many), { code: "GRAPH_OVERLOADED", message: /60000 changes/ });
    assert.equal((await first).every(Boolean), true);
    assert.equal(store.countFollowers(parseTopic("rj")), 60_000);
    await store.close();
  });

  it("close - waits for what was handed in, refuses what comes after, idempotent", async () => {
    const directory = tempDir();
    const store = await GraphStore.open(directory);
    const pending = store.apply([follow("alice", "rj")]);
    await Promise.all([store.close(), store.close()]);
    assert.deepEqual(await pending, [true]);
    await assert.rejects(store.apply([follow("bob", "rj")]), { code: "GRAPH_DIR_BUSY" });
  });
});
