// Time limits of a stream: heartbeats, the expiry of a token, the end of a lifetime, and the drain. Part of
// the suite that every pool must pass (suite.ts).

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cursorOfEvent, parseUserId } from "../../../broker/contract.ts";
import { packFrame } from "../../../test/support/packed-frames.ts";
import type { RawHttp } from "../../../test/support/raw-http.ts";
import { PositionedEvent } from "../../formats/positioned-event.ts";
import { KEPT_POSITIONS } from "../positions.ts";
import { ann, eventOf, type ServedPool } from "./served-pool.ts";

export function testEndings(served: ServedPool): void {
  describe("time", () => {
    it("heartbeats - are sent on quiet streams and carry no information", async () => {
      await served.restart({ heartbeatMs: 300 });
      const [plain, events] = [await served.held("ann"), await served.held("bob", "sse")];
      await plain.until(/welcome\n\r\n(1\r\n\n\r\n){2}/);
      await events.until(/(2\r\n:\n\r\n){2}/);
      assert.deepEqual(plain.chunks.slice(1, 3), ["\n", "\n"]);
      assert.deepEqual(events.chunks.slice(1, 3), [":\n", ":\n"], "an empty line would end a message");
    });

    it("expired token - ends the stream with a goodbye", async () => {
      await served.restart({ heartbeatMs: 300 });
      const raw = served.client().get("/hold/ann?expires=100");
      await raw.until("Goodbye (expired)\n");
      await raw.untilEnded();
      assert.equal(raw.chunks.at(-1), "");
      assert.equal(served.pool.counts.closed.expired, 1);
    });

    it("token with an expiry beyond every calendar - keeps its stream; one from long ago, or NaN, ends it", async () => {
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
        await raw.until(/(1\r\n\n\r\n){3}/); // visited at least that often
        assert.doesNotMatch(raw.text, /Goodbye/);
      }
      assert.equal(served.pool.size, far.length);
    });
  });

  describe("lifetime", () => {
    it("stream at its maximum lifetime - ends with a reconnect time, at another moment than others", async () => {
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

  describe("id of a goodbye", () => {
    const json = '{"id":"0-a-1","data":1}';
    const [bob, stranger] = [parseUserId("bob"), parseUserId("stranger")];
    const at = (cursor: string): PositionedEvent => new PositionedEvent(cursor, json, cursor);
    const goodbyes = async (...raws: readonly RawHttp[]): Promise<string[]> => {
      await served.pool.drain({ perSecond: 100_000, deadlineMs: 0 });
      for (const raw of raws) await raw.untilEnded();
      return raws.map(
        ({ text }) =>
          /(id: .*\n)retry: \d+\nevent: goodbye\ndata: \{"reason":"drain"\}\n\n/.exec(text)?.[1] ?? "",
      );
    };

    it("one event for each stream - is the id that the stream was sent last, never that of another stream", async () => {
      const raws = [await served.held("ann?cursor=7", "sse"), await served.held("bob?cursor=8", "sse")];
      served.deliver(ann, at("0.a.1"));
      const [handle = -1] = [served.pool.table.find(bob)];
      served.pool.deliverFrame(packFrame([{ handles: [handle], id: "0-a-2", json }]), 7, "b1");
      served.deliver(stranger, at("0.a.3"));
      raws.push(await served.held("carl?cursor=0.a.3", "sse"), await served.held("dora?cursor=9", "sse"));
      assert.deepEqual(await goodbyes(...raws), [
        "id: 0.a.1\n",
        `id: ${cursorOfEvent(7, "b1", "0-a-2")}\n`,
        "id: 0.a.3\n",
        "id: 9\n",
      ]);
    });

    it("after a resync - is the id of the resync", async () => {
      const raw = await served.held("ann?cursor=7", "sse");
      served.pool.resync({ reason: "late" }, "0.a.5");
      served.deliver(stranger, at("0.a.6"));
      assert.deepEqual(await goodbyes(raw), ["id: 0.a.5\n"]);
    });

    it("after very many events for others - is a later id, which is not beyond an event of the stream's own", async () => {
      const raws = [await served.held("ann?cursor=7", "sse"), await served.held("bob?cursor=8", "sse")];
      served.deliver(ann, at("0.a.0"));
      for (let event = 1; event <= 500; event += 1)
        served.deliver(event <= 450 ? stranger : bob, at(`0.a.${event}`));
      assert.deepEqual(await goodbyes(...raws), [`id: 0.a.${500 - KEPT_POSITIONS + 1}\n`, "id: 0.a.500\n"]);
    });

    it("other formats - have no id, and their numbers continue", async () => {
      const [plain, lines] = [await served.held("ann"), await served.held("ann", "ndjson")];
      served.deliver(ann, at("0.a.1"));
      served.pool.resync({ reason: "late" }, "0.a.5");
      served.deliver(ann, at("0.a.6"));
      await served.pool.drain({ perSecond: 100_000, deadlineMs: 0 });
      for (const raw of [plain, lines]) await raw.untilEnded();
      assert.match(plain.text, /msg #2: '1'\n\r\n[0-9a-f]+\r\nGoodbye \(drain\)\n/);
      assert.match(lines.text, /\n\{"goodbye":\{"reason":"drain","retryMs":\d+\}\}\n/);
    });
  });

  describe("drain", () => {
    it("200 streams - each gets a goodbye, the last chunk and a FIN", async () => {
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
      assert.deepEqual(new Set(served.endedBy), new Set(["drain"]));
      const retries = raws.flatMap((raw) => /retry: (\d+)\nevent: goodbye/.exec(raw.text)?.[1] ?? []);
      assert.equal(retries.length, 100);
      assert.ok(new Set(retries).size > 50, "readers come back spread out");
    });

    it("bounded rate - ends the streams one after the other", async () => {
      await Promise.all(Array.from({ length: 100 }, (_, index) => served.held(`u${index}`)));
      const startedAt = performance.now();
      await served.pool.drain({ perSecond: 200, deadlineMs: 10_000 });
      assert.ok(performance.now() - startedAt > 400, "100 streams at 200 a second");
    });

    it("reader that does not read - delays no other", async () => {
      const [slow] = [await served.held("ann"), await served.held("bob")];
      slow.socket.pause();
      while (served.pool.queuedBytes === 0) served.deliver(ann, eventOf("x".repeat(16_000)));
      const startedAt = performance.now();
      await served.pool.drain({ perSecond: 1_000, deadlineMs: 5_000 });
      assert.ok(performance.now() - startedAt < 2_000);
      assert.equal(served.pool.size, 0);
    });

    it("stream that opens during the drain - is told to reconnect", async () => {
      await served.held();
      const draining = served.pool.drain({ perSecond: 20, deadlineMs: 5_000 });
      const late = served.client().get("/hold/late");
      await late.until("Goodbye (drain)");
      await draining;
      assert.equal(served.pool.size, 0);
    });
  });
}
