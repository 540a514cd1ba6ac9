import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { describe, it } from "node:test";
import { parseTopic, parseUserId } from "../../broker/contract.ts";
import { tempDir } from "../../test/support/temp-dir.ts";
import { generateFriendships } from "../generate.ts";
import { GraphStore } from "../graph-store.ts";
import { Partitions } from "../partitions.ts";
import type { FollowSource } from "./follow-source.ts";
import { type LoadOptions, type LoadReport, loadFollows } from "./load.ts";

const SHARES = ["0-2,5/8", "3/8", "4,6-7/8"].map((text) => Partitions.parse(text));
const SHAPE = { users: 200, friends: 4, seed: 7 };

async function load(
  source: FollowSource,
  kind: LoadOptions["kind"],
  partitions: Partitions,
): Promise<{ report: LoadReport; store: GraphStore }> {
  const directory = tempDir();
  const report = await loadFollows(source, { directory, kind, partitions });
  return { report, store: await GraphStore.open(directory, { partitions }) };
}

describe("bulk load of a share of the partitions", () => {
  for (const kind of ["friendships", "subscriptions"] as const) {
    it(`${kind}, from a file and generated - every share gets exactly the rows of its topics, in both directions`, async () => {
      const newcomers = Array.from(generateFriendships(SHAPE), ({ id, friends }) => ({
        id,
        friends: friends.slice(),
      }));
      const lines = newcomers.flatMap(({ id, friends }) =>
        Array.from(friends, (friend) => `${friend} ${id}\n`),
      );
      const text = lines.join("");
      const names = Array.from({ length: SHAPE.users }, (_, n) => parseTopic(String(n + 1)));
      const whole = await load({ name: "generated", newcomers }, kind, Partitions.whole);
      for (const isFile of [true, false]) {
        let follows = 0;
        for (const share of SHARES) {
          const source = isFile
            ? { stream: Readable.from([Buffer.from(text)]), name: "text" }
            : { name: "generated", newcomers };
          const { report, store } = await load(source, kind, share);
          assert.equal(report.added + report.elsewhere, whole.store.follows);
          follows += store.follows;
          for (const name of names) {
            const owned = share.owns(name) ? whole.store.pageFollowers(name, undefined, 1_000).names : [];
            assert.deepEqual(store.pageFollowers(name, undefined, 1_000).names, owned);
            const follows = whole.store.pageSubscriptions(parseUserId(name), undefined, 1_000).names;
            assert.deepEqual(
              store.pageSubscriptions(parseUserId(name), undefined, 1_000).names,
              follows.filter((topic) => share.owns(topic)),
            );
          }
          await store.close();
        }
        assert.equal(follows, whole.store.follows);
      }
      await whole.store.close();
    });
  }

  it("a file without topics of this share - is loaded, and every follow is left out", async () => {
    const topic = parseTopic("42");
    const other = SHARES.find((share) => !share.owns(topic));
    assert.ok(other !== undefined);
    const source = { stream: Readable.from([Buffer.from("7 42\n")]), name: "text" };
    const { report, store } = await load(source, "subscriptions", other);
    assert.deepEqual([report.added, report.elsewhere, store.follows], [0, 1, 0]);
    await store.close();
  });
});
