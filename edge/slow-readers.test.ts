import assert from "node:assert/strict";
import { describe, it, mock } from "node:test";
import { parseUserId, type UserId } from "../broker/contract.ts";
import { CLOSE_REASONS, type CloseReason, RESETS } from "./pool/close-reasons.ts";
import { SlowReaders } from "./slow-readers.ts";

const [ann, bob] = [parseUserId("ann"), parseUserId("bob")];
const MINUTE_MS = 60_000;

/** Slow readers with a clock of the test, and the shortest `retry:`, which is a second. */
function readersWith(random = 0): { readers: SlowReaders; pass(ms: number): void; told: UserId[][] } {
  let nowMs = 0;
  const told: UserId[][] = [];
  const tell = (users: readonly UserId[]): void => void told.push([...users]);
  const readers = new SlowReaders({ tell, nowMs: () => nowMs, random: () => random });
  const pass = (ms: number): void => {
    nowMs += ms;
  };
  return { readers, pass, told };
}

describe("slow readers", () => {
  it("first cut - changes nothing; each further one within a minute doubles the retry, up to a minute", () => {
    const [shortest, longest] = [readersWith(0), readersWith(0.9999)];
    const retries: (readonly [number, number])[] = [];
    for (let cut = 0; cut <= 7; cut += 1) {
      retries.push([shortest.readers.retryMs([ann]), longest.readers.retryMs([ann])]);
      for (const { readers, pass } of [shortest, longest]) {
        readers.noteCuts([ann]);
        pass(retries.at(-1)?.[0] ?? 0);
      }
    }
    const seconds = retries.map((pair) => pair.map((ms) => Math.round(ms / 1_000)));
    const doubled = [
      [2, 6],
      [4, 12],
      [8, 24],
      [16, 48],
    ];
    assert.deepEqual(seconds, [[1, 3], [1, 3], ...doubled, [20, 60], [20, 60]]);
    assert.equal(shortest.readers.delayed, 6);
    assert.equal(shortest.readers.retryMs([bob]), 1_000);
  });

  it("minute without a cut - starts again; the time away does not count", () => {
    const { readers, pass } = readersWith();
    readers.noteCuts([ann]);
    pass(MINUTE_MS + 1);
    readers.noteCuts([ann]);
    assert.equal(readers.retryMs([ann]), 1_000);
    for (let more = 0; more < 9; more += 1) readers.noteCuts([ann]);
    assert.equal(readers.retryMs([ann]), 20_000);
    pass(2 * MINUTE_MS); // away for a minute, and cut a minute after the return
    assert.equal(readers.retryMs([ann]), 20_000);
    pass(1);
    assert.deepEqual([readers.retryMs([ann]), readers.size], [1_000, 0]);
  });

  it("ends of streams - count as cuts if the connection was reset, and other workers are told once", () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    try {
      const { readers, told } = readersWith();
      for (const reason of Object.keys(CLOSE_REASONS) as CloseReason[])
        readers.noteEnd([parseUserId(reason)], reason);
      assert.equal(readers.size, RESETS.size);
      assert.deepEqual(told, []);
      mock.timers.tick(100);
      assert.deepEqual(told, [[...RESETS]]);
      readers.noteCuts([ann]); // by another worker
      mock.timers.tick(100);
      assert.equal(told.length, 1);
    } finally {
      mock.timers.reset();
    }
  });

  it("stream of several users - gets the longest retry of them", () => {
    const { readers } = readersWith();
    for (const users of [[ann], [ann, bob], [ann]]) readers.noteCuts(users);
    assert.deepEqual([readers.retryMs([bob]), readers.retryMs([bob, ann])], [1_000, 4_000]);
  });

  it("20,000 users cut at once - only the last 10,000 are remembered, and 1,000 are told of", () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    try {
      const { readers, pass, told } = readersWith();
      for (let user = 0; user < 20_000; user += 1) readers.noteEnd([parseUserId(`u${user}`)], "overload");
      assert.equal(readers.size, 10_000);
      mock.timers.tick(100);
      assert.deepEqual(
        told.map(({ length }) => length),
        [1_000],
      );
      pass(MINUTE_MS + 1);
      assert.equal(readers.size, 0);
    } finally {
      mock.timers.reset();
    }
  });
});
