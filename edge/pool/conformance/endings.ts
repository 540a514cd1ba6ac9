// What time does to a stream: heartbeats, the end of a token or of a lifetime, and the drain. Part of the suite that
// every pool must pass (suite.ts).

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ann, eventOf, type ServedPool } from "./served-pool.ts";

export function testEndings(served: ServedPool): void {
  describe("time", () => {
    it("heartbeats - come on quiet streams, and say nothing", async () => {
      await served.restart({ heartbeatMs: 300 });
      const [plain, events] = [await served.held("ann"), await served.held("bob", "sse")];
      await plain.until(/welcome\n\r\n(1\r\n\n\r\n){2}/);
      await events.until(/:\n\n/);
      assert.deepEqual(plain.chunks.slice(1, 3), ["\n", "\n"]);
    });

    it("a token that runs out - ends the stream with last words", async () => {
      await served.restart({ heartbeatMs: 300 });
      const raw = served.client().get("/hold/ann?expires=100");
      await raw.until("Goodbye (expired)\n");
      await raw.untilEnded();
      assert.equal(raw.chunks.at(-1), "");
      assert.equal(served.pool.counts.closed.expired, 1);
    });

    it("a token whose end no calendar has - keeps its stream; one from long ago, or none at all, ends it", async () => {
      await served.restart({ heartbeatMs: 100 });
      const far = await Promise.all(
        ["9223372036854775807", "1e17", "1e20", "1e308", "Infinity"].map(async (exp) => {
          const raw = served.client().get(`/hold/ann?expiresAt=${encodeURIComponent(Number(exp) * 1000)}`);
          await raw.until("welcome");
          return raw;
        }),
      );
      for (const gone of ["-1e20", "-Infinity", "NaN"])
        await served.client().get(`/hold/bob?expiresAt=${gone}`).until("Goodbye (expired)\n");
      for (const raw of far) {
        await raw.until(/(1\r\n\n\r\n){3}/); // looked at that often, at least
        assert.doesNotMatch(raw.text, /Goodbye/);
      }
      assert.equal(served.pool.size, far.length);
    });
  });

  describe("lifetime", () => {
    it("a stream that lived as long as it may - ends with a time to come back, not all at once", async () => {
      await served.restart({ heartbeatMs: 200, maxLifetimeMs: 1_000 });
      const raws = await Promise.all(Array.from({ length: 30 }, () => served.held("ann", "sse")));
      const startedAt = performance.now();
      const endedAt = raws.map(async (raw) => {
        await raw.until('event: goodbye\ndata: {"reason":"aged"}\n\n');
        return performance.now() - startedAt;
      });
      const times = (await Promise.all(endedAt)).sort((a, b) => a - b);
      assert.equal(served.pool.counts.closed.aged, 30);
      assert.match(raws[0]?.text ?? "", /retry: \d+\nevent: goodbye/);
      assert.ok((times.at(-1) ?? 0) - (times[0] ?? 0) > 100, "they are spread over 400 ms");
    });
  });

  describe("drain", () => {
    it("200 streams - each gets its last words, the last chunk and a FIN", async () => {
      const raws = await Promise.all(
        Array.from({ length: 200 }, (_, index) => served.held(`u${index}`, index % 2 === 0 ? "hold" : "sse")),
      );
      await served.pool.drain({ perSecond: 2_000, deadlineMs: 5_000 });
      assert.equal(served.pool.size, 0);
      for (const raw of raws) {
        await raw.untilEnded();
        assert.equal(raw.ended, "fin");
        assert.equal(raw.chunks.at(-1), "");
        assert.match(raw.chunks.at(-2) ?? "", /Goodbye \(drain\)|event: goodbye/);
      }
      assert.equal(served.pool.counts.closed.drain, 200);
      assert.equal(served.ended.length, 200);
      const retries = raws.flatMap((raw) => /retry: (\d+)\nevent: goodbye/.exec(raw.text)?.[1] ?? []);
      assert.equal(retries.length, 100);
      assert.ok(new Set(retries).size > 50, "readers come back spread out");
    });

    it("at a bounded pace - not all at once", async () => {
      await Promise.all(Array.from({ length: 100 }, (_, index) => served.held(`u${index}`)));
      const startedAt = performance.now();
      await served.pool.drain({ perSecond: 200, deadlineMs: 10_000 });
      assert.ok(performance.now() - startedAt > 400, "100 streams at 200 a second");
    });

    it("a reader who does not read - holds nobody up", async () => {
      const [slow] = [await served.held("ann"), await served.held("bob")];
      slow.socket.pause();
      while (served.pool.queuedBytes === 0) served.pool.deliver(ann, eventOf("x".repeat(16_000)));
      const startedAt = performance.now();
      await served.pool.drain({ perSecond: 1_000, deadlineMs: 5_000 });
      assert.ok(performance.now() - startedAt < 2_000);
      assert.equal(served.pool.size, 0);
    });

    it("who comes while it drains - is told to come back", async () => {
      await served.held();
      const draining = served.pool.drain({ perSecond: 20, deadlineMs: 5_000 });
      const late = served.client().get("/hold/late");
      await late.until("Goodbye (drain)");
      await draining;
      assert.equal(served.pool.size, 0);
    });
  });
}
