// Streams that begin corked: what they buffer, what the edge writes to them, and what they are afterwards.
// Part of the suite that every pool must pass (suite.ts).

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cursorOfEvent, parseUserId } from "../../../broker/contract.ts";
import { packFrame } from "../../../test/support/packed-frames.ts";
import { waitFor } from "../../../test/support/wait-for.ts";
import { PositionedEvent } from "../../formats/positioned-event.ts";
import { CORK_LIMITS, MAX_CORKED_WRITE } from "../pool.ts";
import { ann, type CorkedClient, eventOf, type ServedPool } from "./served-pool.ts";

export function testCorks(served: ServedPool): void {
  const bob = parseUserId("bob");
  const assertNothingSent = ({ raw }: CorkedClient): void => {
    assert.deepEqual(raw.chunks, []);
    if (served.sendsHead) assert.equal(raw.text, "");
  };
  const idsOf = (number: number): string[] | undefined =>
    served.pool.takeBuffered(number)?.events.map(({ id }) => id);

  describe("corked streams", () => {
    it("events - are buffered in order with their cursors, and nothing is sent", async () => {
      const corked = await served.corked();
      const event = new PositionedEvent("0-a-1", '{"id":"0-a-1","data":"\u00e4\u{1f600}"}', "c1");
      assert.equal(served.deliver(ann, event), 1);
      const record = { handles: [served.pool.table.find(ann)], id: "0-a-2", json: '{"id":"0-a-2"}' };
      assert.equal(served.pool.deliverFrame(packFrame([record, { ...record, id: "0-a-3" }]), 7, "zz"), 2);
      assert.deepEqual([served.pool.size, served.pool.users, served.pool.corked], [1, 1, 1]);
      assert.ok(served.pool.bufferedBytes > 0);
      const { events, overflowed } = served.pool.takeBuffered(corked.number) ?? assert.fail();
      assert.equal(overflowed, false);
      assert.deepEqual(
        events.map(({ id, json, cursor }) => [id, json, cursor]),
        [
          [event.id, event.json, event.cursor],
          ["0-a-2", '{"id":"0-a-2"}', cursorOfEvent(7, "zz", "0-a-2")],
          ["0-a-3", '{"id":"0-a-2"}', cursorOfEvent(8, "zz", "0-a-3")],
        ],
      );
      assert.deepEqual(idsOf(corked.number), []);
      assert.equal(served.pool.bufferedBytes, 0);
      assert.equal(served.pool.counts.delivered, 0);
      assertNothingSent(corked);
    });

    it("writes - come after the head, and the uncorked stream continues with live events", async () => {
      const { raw, number } = await served.corked();
      for (const text of ["id: c1\ndata: \u00e4\n\n", "id: c2\ndata: 2\n\n"]) {
        assert.ok(served.pool.writeCorked(number, text, text.slice(4, 6), 1) >= 0);
        await waitFor("the bytes to be taken", () => served.pool.waitingCorked(number) === 0);
      }
      served.deliver(ann, eventOf("discarded"));
      served.pool.uncork(number);
      assert.deepEqual([served.pool.corked, served.pool.bufferedBytes, served.pool.size], [0, 0, 1]);
      assert.equal(served.deliver(ann, eventOf("live")), 1);
      await waitFor("the whole chunk", () => raw.chunks.join("").includes("live"));
      assert.match(raw.text, /^HTTP\/1\.1 200 OK\r\n/);
      assert.equal(raw.text.match(/HTTP\/1\.1/g)?.length, 1);
      assert.match(
        Buffer.from(raw.chunks.join(""), "latin1").toString(),
        /^id: c1\ndata: \u00e4\n\nid: c2\ndata: 2\n\nid: 0\ndata: \{.*"live"\}\n\n$/,
      );
      assert.equal(served.pool.counts.delivered, 3);
      assert.equal(served.pool.writeCorked(number, "x", "c3", 0), -1);
      assert.equal(served.pool.takeBuffered(number), undefined);
    });

    it("numbers of a format - continue after the events that the edge has written", async () => {
      const { raw, number } = await served.corked("ann", "text");
      served.pool.writeCorked(number, "welcome\n", "", 0);
      served.pool.writeCorked(number, "Recvd msg #1: 'a'\nRecvd msg #2: 'b'\n", "", 2);
      served.pool.writeCorked(number, "Recvd msg #3: 'c'\n", "", 1);
      served.pool.uncork(number);
      served.deliver(ann, eventOf("d"));
      await raw.until("Recvd msg #4: 'd'\n");
    });

    it("uncorked at once - sends the head, and is an ordinary stream", async () => {
      const { raw, number } = await served.corked("ann", "ndjson", "cursor=c1");
      served.pool.uncork(number);
      await raw.until("HTTP/1.1 200 OK\r\n");
      served.pool.resync({ reason: "late" }, "c2");
      await raw.until('{"resync":{"reason":"late","cursor":"c2"}}\n');
    });

    it("heartbeats, ticks, cursors and resyncs - are not written before the end of the cork", async () => {
      await served.restart({ heartbeatMs: 100, refreshMs: 100 });
      const [plain, events] = [await served.corked("ann", "text", "tick=50"), await served.corked("bob")];
      const [other, ticking] = [await served.held("ann", "sse"), await served.held("ann?tick=50")];
      served.pool.resync({ reason: "late" }, "c1");
      served.pool.refresh("c2");
      await other.until(/event: resync/);
      await other.until(/event: cursor/);
      await waitFor("three heartbeats", () => (other.text.match(/\n:\n/g)?.length ?? 0) >= 3);
      await ticking.until("Chunk 5 for id ann\n");
      for (const corked of [plain, events]) assertNothingSent(corked);
      for (const { number } of [plain, events]) served.pool.uncork(number);
      await plain.raw.until("Chunk 1 for id ann\n");
      await events.raw.until(/\n:\n/);
      assert.doesNotMatch(events.raw.text, /resync/);
    });

    it("stream of several users - buffers an event for two of them once, also across the end of the cork", async () => {
      const { raw, number } = await served.corked("ann,bob", "text");
      const [first, second] = [eventOf("first"), eventOf("second")];
      assert.deepEqual([served.deliver(ann, first), served.deliver(bob, first)], [1, 0]);
      served.deliver(bob, second);
      assert.deepEqual(idsOf(number), [first.id, second.id]);
      served.pool.uncork(number);
      assert.equal(served.deliver(ann, second), 0);
      served.deliver(ann, eventOf("third"));
      await raw.until("msg #1: 'third'");
    });

    it("event for several corked streams - is stored once", async () => {
      const [one, two] = [await served.corked("ann"), await served.corked("ann")];
      const event = eventOf("x".repeat(1_000));
      const bytes = event.id.length + event.json.length + event.cursor.length;
      assert.equal(served.deliver(ann, event), 2);
      assert.equal(served.pool.bufferedBytes, bytes);
      served.deliver(ann, eventOf("x".repeat(1_000)));
      served.pool.uncork(one.number);
      assert.ok(served.pool.bufferedBytes > bytes && served.pool.bufferedBytes < 3 * bytes);
      assert.equal(idsOf(two.number)?.length, 2);
      assert.equal(served.pool.bufferedBytes, 0);
    });

    const tooMany: readonly (readonly [string, number, number])[] = [
      ["too many events", CORK_LIMITS.events, 1],
      ["too many bytes", Math.floor(CORK_LIMITS.bytes / 60_000), 60_000 - 40],
    ];
    for (const [what, fitting, size] of tooMany) {
      it(`${what} - are discarded until the buffer was taken, which begins again then`, async () => {
        const [full, other] = [await served.corked("ann"), await served.corked("bob")];
        const last = eventOf("for bob");
        served.deliver(bob, last);
        for (let event = 0; event < fitting; event += 1)
          assert.equal(served.deliver(ann, eventOf("x".repeat(size))), 1);
        assert.equal(served.pool.counts.overflows, 0);
        for (let more = 0; more < 2; more += 1)
          assert.equal(served.deliver(ann, eventOf("x".repeat(size))), 0);
        assert.equal(served.pool.counts.overflows, 1);
        assert.deepEqual(served.pool.takeBuffered(full.number), { events: [], overflowed: true });
        const next = eventOf("fits again");
        assert.equal(served.deliver(ann, next), 1);
        assert.deepEqual(idsOf(full.number), [next.id]);
        assert.deepEqual(idsOf(other.number), [last.id]);
        assert.deepEqual([served.pool.size, served.pool.bufferedBytes], [2, 0]);
      });
    }

    it("reader that does not read - has bytes waiting, is cut beyond the bound, and gets all if it reads", async () => {
      await served.restart({ maxQueueBytes: 4 * MAX_CORKED_WRITE });
      const [slow, never] = [await served.corked("ann", "text"), await served.corked("bob", "text")];
      for (const { raw } of [slow, never]) raw.socket.pause();
      const text = `${"x".repeat(MAX_CORKED_WRITE - 1)}\n`;
      let written = 0;
      for (; served.pool.waitingCorked(slow.number) === 0; written += 1) {
        assert.ok(served.pool.writeCorked(slow.number, text, "", 0) >= 0);
        if (!served.sendsHead) await new Promise((resolve) => setImmediate(resolve));
      }
      assert.ok(served.pool.queuedBytes > 0);
      for (let more = 0; more < 5_000 && served.pool.size === 2; more += 1)
        served.pool.writeCorked(never.number, text, "", 0);
      assert.equal(served.pool.writeCorked(never.number, text, "", 0), -1);
      assert.equal(served.pool.waitingCorked(never.number), -1);
      assert.equal(served.pool.counts.closed.slow, 1);
      assert.equal(served.pool.corked, 1);
      slow.raw.socket.resume();
      await waitFor("the bytes to be taken", () => served.pool.waitingCorked(slow.number) === 0);
      served.pool.uncork(slow.number);
      served.deliver(ann, eventOf("live"));
      await slow.raw.until("msg #1: 'live'");
      assert.equal(slow.raw.chunks.join("").split(text).length, written + 1);
    });

    it("onHeld - is called once per stream, after `hold` has returned", async () => {
      const numbers = [await served.corked("ann"), await served.corked("bob")].map(({ number }) => number);
      assert.deepEqual(
        served.heldCorks,
        numbers.map((number) => [number, true]),
      );
    });
  });
}
