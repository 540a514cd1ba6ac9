import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { takeSample } from "./memory-log.ts";

const GONE = 4_194_303; // greater than any id that a machine assigns by default

describe("memory samples", () => {
  it("processes that have ended - are not part of the sum and the count", async () => {
    const { processes, pssKb } = await takeSample({ processes: () => [process.pid, GONE] });
    assert.equal(processes, 1);
    assert.ok(pssKb > 1_000);
  });
});
