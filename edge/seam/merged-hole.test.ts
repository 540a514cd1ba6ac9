import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { mergeHoles } from "./merged-hole.ts";

const early = {
  reason: "late",
  since: "2026-12-01T00:00:00.000Z",
  oldest: "2026-11-30T00:00:00.000Z",
} as const;
const late = {
  reason: "graph-restarted",
  since: "2026-12-01T09:00:00.000Z",
  oldest: "2026-11-30T12:00:00.000Z",
} as const;

describe("merged holes", () => {
  it("two holes - the reader is told the earlier beginning and the later oldest event", () => {
    const merged = { reason: "graph-restarted", since: early.since, oldest: late.oldest };
    assert.deepEqual(mergeHoles(late, early), merged);
    assert.deepEqual(mergeHoles(undefined, early), early);
  });

  it("a hole of unknown beginning - leaves the beginning out", () => {
    assert.equal(mergeHoles(early, { reason: "unknown-cursor" }).since, undefined);
    assert.equal(mergeHoles({ reason: "unknown-cursor" }, early).since, undefined);
  });
});
