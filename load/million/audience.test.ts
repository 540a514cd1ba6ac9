import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { generateFriendships } from "../../graph/index.ts";
import { Digests } from "../flood/digest.ts";
import { Audience } from "./audience.ts";

const SHAPE = { users: 300, friends: 4, seed: 7 };
const READERS = 200;

/** Computes each user's friends, who are mutual, in the most direct way. */
function friends(): Map<number, Set<number>> {
  const all = new Map(Array.from({ length: SHAPE.users }, (_, index) => [index + 1, new Set<number>()]));
  for (const newcomer of generateFriendships(SHAPE)) {
    for (const friend of newcomer.friends) {
      all.get(newcomer.id)?.add(friend);
      all.get(friend)?.add(newcomer.id);
    }
  }
  return all;
}

describe("Audience", () => {
  it("events - reach every follower with a stream, and the author; digests equal those counted one by one", () => {
    const audience = new Audience(SHAPE, READERS, "event");
    const expected = new Digests(READERS);
    const followers = friends();
    for (let message = 0; message < 2_000; message += 1) {
      const author = 1 + ((message * 17) % audience.authors);
      const seq = audience.numberNext(author);
      const readers = [...(followers.get(author) ?? []), author].filter((reader) => reader <= READERS);
      assert.equal(audience.sizeOf(author), readers.length);
      for (const reader of readers) expected.addEvent(reader - 1, String(author), seq);
    }
    assert.deepEqual(audience.expected().words, expected.words);
  });

  it("direct messages - reach only their user, who is always a reader", () => {
    const audience = new Audience(SHAPE, READERS, "user");
    assert.equal(audience.authors, READERS);
    assert.deepEqual([audience.numberNext(5), audience.numberNext(5), audience.sizeOf(5)], [1, 2, 1]);
    const expected = audience.expected();
    assert.deepEqual([expected.countOf(4), expected.countOf(5)], [2, 0]);
  });
});
