// Readers that do not read: the bytes that wait for them are bounded, and other readers are not affected.
// Part of the suite that every pool must pass (suite.ts).

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { parseUserId } from "../../../broker/contract.ts";
import { waitFor } from "../../../test/support/wait-for.ts";
import { ann, eventOf, LIMITS, type ServedPool } from "./served-pool.ts";

export function testSlowReaders(served: ServedPool): void {
  describe("slow readers", () => {
    const big = "x".repeat(16_000);

    it("reader that pauses - receives everything in order and correctly framed, and its buffer is freed", async () => {
      await served.restart({ maxQueueBytes: 8_388_608 });
      const raw = await served.held();
      raw.socket.pause();
      let sent = 0;
      while (served.pool.queuedBytes === 0) {
        assert.equal(served.deliver(ann, eventOf(big)), 1);
        sent += 1;
      }
      for (let more = 0; more < 20; more += 1, sent += 1) assert.equal(served.deliver(ann, eventOf(big)), 1);
      assert.ok(served.pool.queuedBytes > 0);
      raw.socket.resume();
      await waitFor(
        "everything to arrive",
        () => raw.text.endsWith("'\n\r\n") && raw.chunks.length === sent + 1,
      );
      assert.ok(raw.chunks.at(-1)?.startsWith(`Recvd msg #${sent}: 'x`));
      await waitFor("the queue to be free", () => served.pool.queuedBytes === 0);
    });

    it("reader that never reads - is cut at the bound, and the others continue", async () => {
      const [slow, quick] = [await served.held("ann"), await served.held("bob")];
      slow.socket.pause();
      for (let sent = 0; served.pool.size === 2 && sent < 5_000; sent += 1) {
        served.deliver(ann, eventOf(big));
        assert.ok(served.pool.queuedBytes <= LIMITS.maxQueueBytes + big.length * 2);
      }
      assert.equal(served.pool.counts.closed.slow, 1);
      assert.equal(served.pool.queuedBytes, 0);
      await waitFor("the end to be reported", () => served.ended.length > 0);
      assert.deepEqual([served.ended, served.endedBy], [["ann"], ["slow"]]);
      served.deliver(parseUserId("bob"), eventOf("fine"));
      await quick.until("'fine'");
      await waitFor(
        "the kernel to forget the connection",
        () => !kernelHolds(served.port, slow.socket.localPort ?? 0),
      );
    });

    it("all readers beyond their common bound - those with the most waiting bytes are cut", async () => {
      await served.restart({ maxQueueBytes: 1_000_000, maxQueuedBytes: 300_000 });
      const slow = [await served.held("ann"), await served.held("ann"), await served.held("ann")];
      for (const raw of slow) raw.socket.pause();
      for (let sent = 0; served.pool.counts.closed.overload === 0 && sent < 5_000; sent += 1)
        served.deliver(ann, eventOf(big));
      assert.ok(served.pool.counts.closed.overload >= 1);
      assert.ok(served.pool.queuedBytes <= 300_000);
      await waitFor("the end to be reported", () => served.ended.length > 0);
      assert.equal(served.endedBy[0], "overload");
    });

    it("reader that takes none of its waiting bytes - is cut after the timeout", async () => {
      await served.restart({ maxQueueBytes: 8_388_608, stalledMs: 300 });
      const raw = await served.held();
      raw.socket.pause();
      while (served.pool.queuedBytes === 0) served.deliver(ann, eventOf(big));
      await waitFor("the cut", () => served.pool.counts.closed.stalled === 1);
      assert.equal(served.pool.size, 0);
      assert.equal(served.pool.queuedBytes, 0);
      await waitFor("the end to be reported", () => served.ended.length > 0);
      assert.deepEqual(served.endedBy, ["stalled"]);
    });
  });
}

/** Returns whether the kernel still holds our end of a connection, with its waiting bytes. */
function kernelHolds(port: number, clientPort: number): boolean {
  const hex = (number: number): string => number.toString(16).toUpperCase().padStart(4, "0");
  const ends = new RegExp(`^ *\\d+: [0-9A-F]{8}:${hex(port)} [0-9A-F]{8}:${hex(clientPort)} `, "m");
  return ends.test(readFileSync("/proc/net/tcp", "utf8"));
}
