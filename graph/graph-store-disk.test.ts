// A disk that fills up while the store writes: a small tmpfs.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { parseTopic, parseUserId } from "../broker/contract.ts";
import { SmallDisk } from "../test/support/small-disk.ts";
import { waitFor } from "../test/support/wait-for.ts";
import { countFriendships, generateFriendships } from "./generate.ts";
import { GraphStore } from "./graph-store.ts";
import { loadFollows } from "./load/load.ts";
import type { Change } from "./store/changes.ts";

const disk = SmallDisk.mount(40);
const skip = disk === undefined ? "only root may mount a small disk" : false;

/** Returns distinct follows of 20 topics. A torn record of them spans several blocks of LevelDB's log. */
function follows(from: number, count: number): Change[] {
  return Array.from({ length: count }, (_, index) => ({
    kind: "subscribe",
    subscriber: parseUserId(`reader-${from + index}`),
    topic: parseTopic(`topic-${(from + index) % 20}`),
  }));
}

async function sequencesOf(store: GraphStore): Promise<number[]> {
  const { entries } = await store.pageAudit(undefined, 0, 100_000);
  return entries.map(({ sequence }) => sequence);
}

describe("full disk", { skip }, () => {
  const directory = join(disk?.path ?? "", "graph");
  let store: GraphStore;
  let acknowledged = 0;
  const troubles: (string | undefined)[] = [];

  async function openStore(): Promise<void> {
    store = await GraphStore.open(directory, {
      memoryBytes: 1_048_576,
      onTrouble: (trouble) => troubles.push(trouble?.code),
    });
  }

  before(async () => {
    await openStore();
    await store.apply(follows(0, 500));
    acknowledged = 500;
  });
  after(() => store.close());

  /** Applies changes until a write fails. */
  async function fillUp(leaving: number): Promise<void> {
    disk?.fill(leaving);
    await assert.rejects(
      async () => {
        for (;;) {
          await store.apply(follows(acknowledged, 300));
          acknowledged += 300;
        }
      },
      { code: "GRAPH_DISK_FAILED", message: /No space left on device/ },
    );
  }

  const recovered = (): Promise<void> =>
    waitFor("the disk to accept writes", () => store.trouble === undefined);

  for (const leaving of [60_000, 150_000, 300_001]) {
    it(`write that fails with ${leaving} bytes left - refuses changes until there is space, and loses none later`, async () => {
      await fillUp(leaving);
      await assert.rejects(store.apply(follows(1_000_000, 1)), { code: "GRAPH_DISK_FAILED" });
      assert.equal(store.follows, acknowledged);
      const topic = parseTopic("topic-7");
      const ids = [...store.followers(topic)].flatMap((set) => [...set]);
      assert.equal(ids.length, store.countFollowers(topic), "reads continue");

      disk?.empty();
      await recovered();
      await store.apply(follows(acknowledged, 10));
      acknowledged += 10;
      assert.equal(store.follows, acknowledged);

      const before = await sequencesOf(store);
      const count = store.countFollowers(topic);
      await store.close();
      await openStore();
      assert.equal(store.follows, acknowledged);
      assert.equal(store.countFollowers(topic), count);
      const expected = Array.from({ length: acknowledged }, (_, index) => index + 1);
      assert.deepEqual(before, expected);
      assert.deepEqual(await sequencesOf(store), expected);
    });
  }

  it("trouble - is reported once per transition", () => {
    assert.deepEqual(new Set(troubles), new Set(["GRAPH_DISK_FAILED", "GRAPH_REOPENING", undefined]));
    assert.equal(troubles.at(-1), undefined);
  });

  it("read over several turns - keeps the directory open until it ends", async () => {
    const celebrity = parseTopic("celebrity");
    const fans = Array.from({ length: 20_000 }, (_, index) => ({
      kind: "subscribe" as const,
      subscriber: parseUserId(String(index + 1)),
      topic: celebrity,
    }));
    await store.apply(fans);
    acknowledged += fans.length;
    await fillUp(100_000);
    const sets = store.followers(celebrity)[Symbol.iterator]();
    const first = sets.next().value?.length ?? 0;
    disk?.empty();
    await waitFor("the directory to be reopened", () => store.trouble?.code === "GRAPH_REOPENING");
    let rest = 0;
    for (let set = sets.next(); set.done !== true; set = sets.next()) rest += set.value.length;
    assert.equal(first + rest, 20_000);
    await recovered();
    assert.equal(await store.read(() => store.countFollowers(celebrity)), 20_000);
  });

  it("bulk load - fails with an error that names the disk, and can be repeated", async () => {
    const loaded = join(disk?.path ?? "", "loaded");
    disk?.fill(1_000_000);
    const shape = { users: 20_000, friends: 10, seed: 1 };
    const options = { directory: loaded, kind: "friendships" } as const;
    const load = () => loadFollows({ name: "many", newcomers: generateFriendships(shape) }, options);
    await assert.rejects(load(), { code: "GRAPH_DISK_FAILED" });
    disk?.empty();
    assert.equal((await load()).follows, 2 * countFriendships(shape));
  });

  it("store that closes while the disk is full - closes at once, and reopens with all acknowledged changes", async () => {
    await fillUp(80_000);
    await store.close();
    disk?.empty();
    await openStore();
    assert.equal(store.follows, acknowledged);
  });
});
