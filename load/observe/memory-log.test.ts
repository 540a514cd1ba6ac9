import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { takeSample } from "./memory-log.ts";

const GONE = 4_194_303; // above what a machine gives out by default

describe("memory samples", () => {
  it("processes that have ended - are left out of the sum and of the count", async () => {
    const { processes, pssKb } = await takeSample({ processes: () => [process.pid, GONE] });
    assert.equal(processes, 1);
    assert.ok(pssKb > 1_000);
  });
});
