// Which streams receive an event, and in which chunks. Part of the suite that every pool must pass
// (suite.ts).

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseUserId } from "../../../broker/contract.ts";
import { waitFor } from "../../../test/support/wait-for.ts";
import { ann, eventOf, type ServedPool } from "./served-pool.ts";

export function testReceiving(served: ServedPool): void {
  describe("framing", () => {
    it("events of every size - are chunks whose size counts bytes, not characters", async () => {
      const raw = await served.held("ann", "sse");
      const payloads = [
        "",
        "a",
        "ä😀",
        "x".repeat(15),
        "x".repeat(16),
        "x".repeat(255),
        "x".repeat(4_096),
        "x".repeat(40_000),
      ];
      const events = payloads.map(eventOf);
      for (const event of events) served.deliver(ann, event);
      await raw.until(`"id":"${events.at(-1)?.id}"`);
      await waitFor("all chunks", () => raw.chunks.length === 1 + payloads.length);
      const expected = events.map(({ json, cursor }) => `id: ${cursor}\ndata: ${json}\n\n`);
      assert.deepEqual(
        raw.chunks.slice(1).map((chunk) => Buffer.from(chunk, "latin1").toString("utf8")),
        expected,
      );
    });

    it("numbers - count messages per connection", async () => {
      const first = await served.held();
      served.deliver(ann, eventOf("a"));
      const second = await served.held();
      served.deliver(ann, eventOf("b"));
      await first.until("Recvd msg #2: 'b'\n");
      await second.until("Recvd msg #1: 'b'\n");
    });
  });

  describe("recipients", () => {
    it("an event - reaches each stream of its user, a stream of several users once, and no other stream", async () => {
      const [one, two, both, other] = [
        await served.held("ann"),
        await served.held("ann"),
        await served.held("ann,bob"),
        await served.held("carl"),
      ];
      const event = eventOf("to friends");
      assert.equal(served.deliver(ann, event), 3);
      assert.equal(served.deliver(parseUserId("bob"), event), 0, "ann,bob has it already");
      assert.equal(served.deliver(parseUserId("absent"), event), undefined);
      for (const raw of [one, two, both]) await raw.until("msg #1: 'to friends'");
      served.deliver(parseUserId("carl"), eventOf("end"));
      await other.until("'end'");
      assert.doesNotMatch(other.text, /friends/);
      assert.equal(both.chunks.length, 2);
    });

    it("resync - is written to every stream in its format", async () => {
      const [plain, events] = [await served.held("ann"), await served.held("bob", "sse")];
      served.pool.resync({ reason: "late", since: "2026-11-21T00:00:00.000Z" }, "0.a.9");
      await plain.until("Some messages may be missing since 2026-11-21T00:00:00.000Z (late)\n");
      await events.until(
        'id: 0.a.9\nevent: resync\ndata: {"reason":"late","since":"2026-11-21T00:00:00.000Z"}\n\n',
      );
    });
  });
}
