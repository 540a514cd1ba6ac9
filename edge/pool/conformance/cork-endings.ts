// How corked streams end: with their head and a goodbye that is not ahead of what was written, and without
// remains. Part of the suite that every pool must pass (suite.ts).

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseUserId } from "../../../broker/contract.ts";
import type { RawHttp } from "../../../test/support/raw-http.ts";
import { waitFor } from "../../../test/support/wait-for.ts";
import { PositionedEvent } from "../../formats/positioned-event.ts";
import { ann, eventOf, type ServedPool } from "./served-pool.ts";

export function testCorkEndings(served: ServedPool): void {
  const assertNothingRemains = async (): Promise<void> => {
    await waitFor("the end to be reported", () => served.ended.length > 0);
    const { pool } = served;
    assert.deepEqual(
      [pool.size, pool.users, pool.corked, pool.bufferedBytes, pool.queuedBytes],
      [0, 0, 0, 0, 0],
    );
    assert.deepEqual(served.ended, ["ann"]);
  };
  // a runtime that writes the response itself may keep the connection
  const untilOver = (raw: RawHttp): Promise<void> =>
    served.sendsHead ? raw.untilEnded() : waitFor("the last chunk", () => raw.chunks.at(-1) === "");
  const at = (cursor: string): PositionedEvent => new PositionedEvent("0-a-9", '{"id":"0-a-9"}', cursor);

  describe("ends of corked streams", () => {
    it("endCorked - sends the head and a goodbye with the presented cursor, never a newer one", async () => {
      const { raw, number } = await served.corked("ann", "sse", "cursor=c1");
      served.deliver(ann, at("c2"));
      served.pool.resync({ reason: "late" }, "c3");
      served.pool.refresh("c4");
      served.pool.endCorked(number, "busy");
      await untilOver(raw);
      assert.match(raw.text, /^HTTP\/1\.1 200 OK\r\n/);
      assert.match(
        raw.chunks.join(""),
        /^id: c1\nretry: \d+\nevent: goodbye\ndata: \{"reason":"busy"\}\n\n$/,
      );
      assert.equal(raw.chunks.at(-1), "");
      assert.equal(served.pool.counts.closed.busy, 1);
      await assertNothingRemains();
    });

    it("no presented cursor - leaves the reader's id as it is", async () => {
      const { raw, number } = await served.corked();
      served.deliver(ann, at("c2"));
      served.pool.endCorked(number, "busy");
      await untilOver(raw);
      assert.match(raw.chunks.join(""), /^retry: \d+\nevent: goodbye\n/);
      await assertNothingRemains();
    });

    it("end in the middle of a replay - repeats the last cursor that was written, however many others follow", async () => {
      const { raw, number } = await served.corked("ann", "sse", "cursor=c1");
      served.pool.writeCorked(number, "id: c5\ndata: 1\n\n", "c5", 1);
      for (let event = 0; event < 200; event += 1) served.pool.deliver(4_000, at(`d${event}`));
      await served.pool.drain({ perSecond: 1_000, deadlineMs: 0 });
      await untilOver(raw);
      assert.match(raw.chunks.join(""), /^id: c5\ndata: 1\n\nid: c5\nretry: \d+\nevent: goodbye\n/);
      assert.equal(raw.text.match(/HTTP\/1\.1/g)?.length, 1);
      await assertNothingRemains();
    });

    it("end after the cork - repeats the last cursor that was written", async () => {
      const { raw, number } = await served.corked("ann", "sse", "cursor=c1");
      served.pool.writeCorked(number, "id: c5\ndata: 1\n\n", "c5", 1);
      served.pool.uncork(number);
      served.pool.deliver(4_000, at("c6"));
      await served.pool.drain({ perSecond: 1_000, deadlineMs: 0 });
      await raw.until(/id: c5\nretry: \d+\nevent: goodbye/);
    });

    it("token that expires - ends the stream with a goodbye in every format", async () => {
      await served.restart({ heartbeatMs: 200 });
      const [plain, lines] = [
        await served.corked("ann", "text", "expires=100"),
        await served.corked("bob", "ndjson", "expires=100&cursor=c1"),
      ];
      for (const { raw } of [plain, lines]) await untilOver(raw);
      assert.equal(plain.raw.chunks.join(""), "Goodbye (expired)\n");
      assert.equal(lines.raw.chunks.join(""), '{"goodbye":{"reason":"expired"}}\n');
      assert.equal(served.pool.counts.closed.expired, 2);
      assert.deepEqual([served.pool.size, served.pool.corked], [0, 0]);
    });

    it("end of its lifetime - ends the stream with a goodbye", async () => {
      await served.restart({ heartbeatMs: 100, maxLifetimeMs: 300 });
      const { raw } = await served.corked("ann", "sse", "cursor=c1");
      await raw.until(/id: c1\nretry: \d+\nevent: goodbye\ndata: \{"reason":"aged"\}\n\n/);
      await assertNothingRemains();
    });

    it("reader who leaves - frees the buffer, and the stream's number has no effect any more", async () => {
      const { raw, number } = await served.corked();
      served.deliver(ann, eventOf("x".repeat(1_000)));
      raw.close();
      await waitFor("the stream to be gone", () => served.pool.size === 0);
      await assertNothingRemains();
      assert.equal(served.pool.takeBuffered(number), undefined);
      assert.equal(served.pool.writeCorked(number, "x", "c", 0), -1);
      assert.equal(served.pool.waitingCorked(number), -1);
      served.pool.uncork(number);
      served.pool.endCorked(number, "busy");
      assert.equal(served.pool.counts.closed.peer, 1);
      assert.equal(served.pool.counts.closed.busy, 0);
    });

    it("stream that opens during the drain - is told to reconnect", async () => {
      const stays = await served.held("bob");
      const draining = served.pool.drain({ perSecond: 20, deadlineMs: 5_000 });
      const late = await served.corked("ann", "sse", "cursor=c1");
      await late.raw.until(/id: c1\nretry: \d+\nevent: goodbye\ndata: \{"reason":"drain"\}\n\n/);
      assert.equal(served.pool.takeBuffered(late.number), undefined);
      await stays.until("Goodbye (drain)");
      await draining;
    });

    it("many corks in any order - leave nothing, and their numbers find the right stream", async () => {
      const users = Array.from({ length: 150 }, (_, index) => `u${index}`);
      const corked = await Promise.all(users.map((user) => served.corked(user, "text")));
      for (const user of users) served.deliver(parseUserId(user), eventOf(user));
      const live: number[] = [];
      for (const [index, { raw, number }] of corked.entries()) {
        if (index % 3 === 0) raw.close();
        else if (index % 3 === 1) served.pool.endCorked(number, "busy");
        else live.push(index);
      }
      await waitFor("the ends", () => served.pool.size === live.length);
      assert.equal(served.pool.corked, live.length);
      for (const index of live.reverse()) {
        const { number } = corked[index] ?? assert.fail();
        const [event, ...others] = served.pool.takeBuffered(number)?.events ?? [];
        assert.match(event?.json ?? "", new RegExp(`"u${index}"`));
        assert.deepEqual(others, []);
        served.pool.writeCorked(number, `welcome u${index}\n`, "", 0);
        served.pool.uncork(number);
      }
      for (const index of live) await corked[index]?.raw.until(`welcome u${index}\n`);
      assert.deepEqual([served.pool.corked, served.pool.bufferedBytes], [0, 0]);
    });
  });
}
