import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compareDigests, Digests } from "./digest.ts";

const STREAMS = 3;
type Received = readonly (readonly [from: string, seq: number])[];

/**
 * Compares two streams that follow 7 and 9, each of whom sent three events. The second stream received
 * `received`.
 */
function compare(received: Received): ReturnType<typeof compareDigests> {
  const sent = new Digests(2);
  const all: Received = ["7", "9"].flatMap((from) => [1, 2, 3].map((seq) => [from, seq] as const));
  for (const [from, seq] of all) sent.addEvent(from === "7" ? 0 : 1, from, seq);
  const expected = new Digests(STREAMS);
  const got = new Digests(STREAMS);
  for (let stream = 0; stream < STREAMS; stream += 1) {
    for (const author of [0, 1]) expected.addAll(stream, sent, author);
    for (const [from, seq] of stream === 1 ? received : all.toReversed()) got.addEvent(stream, from, seq);
  }
  return compareDigests(expected, got, STREAMS);
}

const ALL: Received = [
  ["7", 1],
  ["7", 2],
  ["7", 3],
  ["9", 1],
  ["9", 2],
  ["9", 3],
];
const RIGHT = { expected: 18, received: 18, lost: 0, duplicated: 0, different: 0 };

describe("digests", () => {
  it("every message once, in any order - gives the expected digest", () => {
    assert.deepEqual(compare(ALL), RIGHT);
  });

  const wrong: readonly (readonly [string, Received, object])[] = [
    ["a loss", ALL.slice(1), { received: 17, lost: 1 }],
    ["everything lost", [], { received: 12, lost: 6 }],
    ["a duplicated message", [...ALL, ["9", 2]], { received: 19, duplicated: 1 }],
    ["one message duplicated and one lost", [...ALL.slice(1), ["9", 2]], { different: 1 }],
    ["a message of another author", [...ALL.slice(1), ["8", 1]], { different: 1 }],
    ["numbers of two authors exchanged", [...ALL.slice(2), ["79", 1], ["7", 12]], { different: 1 }],
  ];
  for (const [what, received, difference] of wrong) {
    it(`${what} - is detected`, () => {
      assert.deepEqual(compare(received), { ...RIGHT, ...difference });
    });
  }

  it("200,000 messages of a thousand authors - differ in at least one lane of their hashes", () => {
    const seen = new Set<bigint>();
    const one = new Digests(1);
    for (let author = 0; author < 1_000; author += 1) {
      for (let seq = 1; seq <= 200; seq += 1) {
        one.words.fill(0);
        one.addEvent(0, String(author), seq);
        seen.add((BigInt(one.words[1] ?? 0) << 32n) | BigInt(one.words[2] ?? 0));
      }
    }
    assert.equal(seen.size, 200_000);
  });
});
