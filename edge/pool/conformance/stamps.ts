// The cursors in a frame of events: every pool formats them as broker/cursor.ts does. Part of the suite that
// every pool must pass (suite.ts).

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cursorOfEvent } from "../../../broker/contract.ts";
import { packFrame } from "../../../test/support/packed-frames.ts";
import { waitFor } from "../../../test/support/wait-for.ts";
import { ann, type ServedPool } from "./served-pool.ts";

const DIGITS = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
/** Length of the longest id that a frame may have. */
const MAX_ID = 40;
/** Length of the longest `others` that `formatOthers` returns. */
const MAX_OTHERS = 221;
const ROUNDS = 300;

export function testStamps(served: ServedPool): void {
  describe("stamps", () => {
    it("cursor of the n-th event - is that of the stamp + n, for stamps, positions and ids of every length", async () => {
      await served.restart({ maxQueueBytes: 1_000_000 });
      const raw = await served.held("ann", "ndjson");
      const handles = [served.pool.table.find(ann)];
      const text = (max: number, digits: string): string =>
        Array.from({ length: Math.floor(Math.random() * (max + 1)) }, () => pick(digits)).join("");
      const expected: string[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        const stamp = stampOf(round);
        const others = round === 0 ? "z".repeat(MAX_OTHERS) : text(MAX_OTHERS, DIGITS);
        const ids = Array.from({ length: 1 + (round % 3) }, () => `0${text(MAX_ID - 1, "09az-")}`);
        const frame = packFrame(ids.map((id) => ({ handles, id, json: "{}" })));
        assert.equal(served.pool.deliverFrame(frame, stamp, others), ids.length);
        for (const [index, id] of ids.entries()) expected.push(cursorOfEvent(stamp + index, others, id));
      }
      await waitFor("all events", () => raw.chunks.join("").split("\n").length === expected.length + 2);
      const written = [...raw.chunks.join("").matchAll(/"cursor":"([^"]*)"/g)].map(([, cursor]) => cursor);
      assert.deepEqual(written, expected);
      assert.deepEqual(
        written.slice(0, 3).map((cursor) => cursor?.slice(0, 9)),
        ["---------", "---------", "--------0"],
      );
    });
  });
}

/** The smallest stamp, the largest, and random ones of every magnitude. */
function stampOf(round: number): number {
  if (round <= 1) return 0;
  if (round === 2) return Number.MAX_SAFE_INTEGER - 2;
  return Math.floor(Math.random() * 2 ** (1 + (round % 53)));
}

function pick(digits: string): string {
  return digits[Math.floor(Math.random() * digits.length)] ?? "";
}
