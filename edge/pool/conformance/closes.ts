// Readers who leave, in every possible way: nothing of their streams remains. Part of the suite that every
// pool must pass (suite.ts).

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { describe, it } from "node:test";
import { parseUserId } from "../../../broker/contract.ts";
import type { RawHttp } from "../../../test/support/raw-http.ts";
import { waitFor } from "../../../test/support/wait-for.ts";
import type { CloseReason } from "../close-reasons.ts";
import { ann, eventOf, type ServedPool } from "./served-pool.ts";

export function testCloses(served: ServedPool): void {
  describe("closes", () => {
    const ways: readonly (readonly [string, CloseReason, (raw: RawHttp) => void])[] = [
      ["FIN", "peer", (raw) => raw.close()],
      ["RST", "error", (raw) => raw.socket.resetAndDestroy()],
      ["half-close", "peer", (raw) => raw.socket.end()],
    ];
    for (const [way, reason, close] of ways) {
      it(`${way} - ends the stream and releases the user once`, async () => {
        const [raw, stays] = [await served.held("ann"), await served.held("bob")];
        close(raw);
        await waitFor("the stream to be gone", () => served.pool.size === 1);
        assert.deepEqual([served.ended, served.endedBy], [["ann"], [reason]]);
        assert.equal(served.deliver(ann, eventOf("x")), undefined);
        assert.equal(served.deliver(parseUserId("bob"), eventOf("y")), 1);
        await stays.until("'y'");
      });
    }

    it("many closes in any order - leave no stream, no user and no descriptor", async () => {
      const before = descriptors();
      for (let round = 0; round < 3; round += 1) {
        const raws = await Promise.all(
          Array.from({ length: 60 }, (_, index) =>
            served.held(index % 3 === 0 ? "ann,bob" : `u${index % 7}`),
          ),
        );
        assert.equal(served.pool.size, 60);
        for (const [index, raw] of raws.entries()) if (index % 2 === 0) raw.socket.resetAndDestroy();
        for (const raw of raws.reverse()) raw.close();
        await waitFor("all to be gone", () => served.pool.size === 0);
      }
      assert.equal(served.pool.users, 0);
      assert.equal(served.pool.queuedBytes, 0);
      assert.equal(served.ended.length, 180);
      await waitFor("the descriptors to be closed", () => descriptors() <= before);
    });
  });
}

function descriptors(): number {
  return readdirSync("/proc/self/fd").length;
}
