import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseTopic, parseUserId, type Topic } from "../../broker/contract.ts";
import { tempDir } from "../../test/support/temp-dir.ts";
import type { Newcomer } from "../generate.ts";
import { GraphStore } from "../graph-store.ts";
import { loadFollows } from "../load/load.ts";
import { Random } from "../random.ts";
import type { Change } from "../store/changes.ts";
import { MAX_CHUNK_IDS } from "../store/row.ts";

const ENOUGH = 67_108_864;
/** One segment, which is less than the rows below take. */
const LITTLE = 300_000;
const TOPICS: readonly Topic[] = ["1", "2147483647", "rj", "photo.789", "77", "celebrity", "unfollowed"].map(
  parseTopic,
);
/** Rows of 24 KB that do not change. */
const BROAD: readonly Newcomer[] = Array.from({ length: 12 }, (_, index) => ({
  id: 1_000_000 + index,
  friends: Uint32Array.from({ length: MAX_CHUNK_IDS }, (_, user) => user * 200_000),
}));

const followersOf = (store: GraphStore, topic: Topic): number[] =>
  [...store.followers(topic)].flatMap((ids) => [...ids]);
const fromDisk = (store: GraphStore, topic: Topic): string[] => {
  const names: string[] = [];
  let after: string | undefined;
  do {
    const page = store.pageFollowers(topic, after, 10_000);
    names.push(...page.names);
    after = page.next;
  } while (after !== undefined);
  return names;
};
const change = (kind: Change["kind"], subscriber: string, topic: Topic): Change => ({
  kind,
  subscriber: parseUserId(subscriber),
  topic,
});

describe("follower rows", () => {
  for (const [memory, bytes] of [
    ["enough memory", ENOUGH],
    ["little memory", LITTLE],
    ["no memory", 0],
  ] as const) {
    it(`random changes, ${memory} - equal the rows on disk after each commit and after reopening`, async () => {
      const random = new Random(bytes + 1);
      const directory = tempDir();
      await loadFollows({ name: "broad rows", newcomers: BROAD }, { directory, kind: "subscriptions" });
      for (let opening = 0; opening < 3; opening += 1) {
        const store = await GraphStore.open(directory, { memoryBytes: bytes });
        for (let commit = 0; commit < 6; commit += 1) {
          const changes = Array.from({ length: 1 + random.below(1_500) }, () => {
            const topic = TOPICS[random.below(TOPICS.length - 1)] as Topic; // the last has no followers
            const user = random.below(2) === 0 ? `n${random.below(400)}` : String(random.below(0x8000_0000));
            return change(random.below(5) === 0 ? "unsubscribe" : "subscribe", user, topic);
          });
          const crowd = parseTopic("celebrity");
          const grows = commit === 0 ? "subscribe" : "unsubscribe";
          for (let user = 0; commit % 3 === 0 && user < MAX_CHUNK_IDS + 100; user += 1)
            changes.push(change(grows, String(user), crowd));
          await store.apply(changes);
          for (const topic of TOPICS) {
            const names = followersOf(store, topic).map((id) => store.nameOf(id));
            assert.equal(
              names.join(),
              fromDisk(store, topic).join(),
              `${topic}, opening ${opening}, commit ${commit}`,
            );
          }
        }
        for (const topic of TOPICS)
          assert.equal(followersOf(store, topic).length, store.countFollowers(topic));
        assert.equal(store.receivers.complete, memory === "enough memory");
        assert.equal(store.receivers.lookups.memory > 0, memory !== "no memory");
        await store.close();
      }
    });
  }

  it("a long row - is read as it was at the beginning, despite commits in the middle", async () => {
    const store = await GraphStore.open(tempDir(), { memoryBytes: ENOUGH });
    const topic = parseTopic("celebrity");
    const users = Array.from({ length: MAX_CHUNK_IDS + 3_000 }, (_, index) => String(index * 2));
    await store.apply(users.map((user) => change("subscribe", user, topic)));
    const seen: number[] = [];
    for (const ids of store.followers(topic)) {
      if (seen.length === 0) {
        // splits chunks
        await store.apply(users.map((user) => change("subscribe", String(Number(user) + 1), topic)));
        // empties some of them
        await store.apply(users.slice(9).map((user) => change("unsubscribe", user, topic)));
      }
      seen.push(...ids);
    }
    assert.deepEqual(seen, users.map(Number));
    assert.equal(followersOf(store, topic).length, users.length + 9);
    await store.close();
  });
});
