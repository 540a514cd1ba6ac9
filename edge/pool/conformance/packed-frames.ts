// Frames of many events, as the graph packs them: intact ones, malformed ones, and handles that were reused.
// Part of the suite that every pool must pass (suite.ts).

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cursorOfEvent, parseUserId } from "../../../broker/contract.ts";
import { packFrame } from "../../../test/support/packed-frames.ts";
import type { RawHttp } from "../../../test/support/raw-http.ts";
import { waitFor } from "../../../test/support/wait-for.ts";
import { payloadText } from "../../formats/payload-text.ts";
import type { ServedPool } from "./served-pool.ts";

export function testPackedFrames(served: ServedPool): void {
  describe("packed frames", () => {
    const json = (data: string): string => `{"id":"0-a-1","data":${data}}`;
    const handlesOf = (...users: string[]): number[] =>
      users.map((user) => served.pool.table.find(parseUserId(user)));

    it("each record - reaches every stream of its recipients once, in each format", async () => {
      const [plain, events, lines, both] = [
        await served.held("ann"),
        await served.held("ann", "sse"),
        await served.held("bob", "ndjson"),
        await served.held("ann,bob"),
      ];
      const frame = packFrame([
        { handles: [...handlesOf("ann", "bob"), 4_000_000_000, 17], id: "0-a-1", json: json('"ä😀"') },
        { handles: handlesOf("bob"), id: "0-a-2", json: json('{"n":1}') },
      ]);
      assert.equal(served.pool.deliverFrame(frame, 4_096, "z9"), 6);
      assert.equal(served.pool.counts.delivered, 6);
      const utf8 = (raw: RawHttp): string[] =>
        raw.chunks.slice(1).map((chunk) => Buffer.from(chunk, "latin1").toString());
      await both.until("msg #2: '{\"n\":1}'\n");
      assert.deepEqual(utf8(both), ["Recvd msg #1: 'ä😀'\n", "Recvd msg #2: '{\"n\":1}'\n"]);
      await lines.until("0.a.2");
      assert.deepEqual(utf8(lines), [
        `{"id":"0-a-1","data":"ä😀","cursor":"${cursorOfEvent(4_096, "z9", "0-a-1")}"}\n`,
        `{"id":"0-a-1","data":{"n":1},"cursor":"${cursorOfEvent(4_097, "z9", "0-a-2")}"}\n`,
      ]);
      await events.until("0.a.1");
      assert.deepEqual(utf8(events), [
        `id: ${cursorOfEvent(4_096, "z9", "0-a-1")}\ndata: ${json('"ä😀"')}\n\n`,
      ]);
      assert.deepEqual(utf8(plain), ["Recvd msg #1: 'ä😀'\n"]);
      assert.equal(served.pool.deliverFrame(frame, 1, ""), 4, "who has several users has the events already");
    });

    it("payloads of every kind - are shown as a person reads them", async () => {
      const raw = await served.held("ann");
      const payloads = [
        json('"a\\"b\\\\c\\/\\b\\f\\n\\r\\t\\u00e4\\u20ac\\ud83d\\ude00\\u0000|"'),
        json('"half a pair \\ud83d, \\ude00, \\ud83d\\u0041"'),
        json('[1.000000000000000000001, {"data":"x"}]'),
        json("12.50"),
        json('"no \\q escape"'),
        json('"no end\\"'),
        json('"two" "texts"'),
        json('"tab\t"'),
        json(""),
        '{"id":"x","data_base64":"/w=="}',
        '{"id":"x","topic":"a.b","time":"now","data":"with more before"}',
        '{"id":"x","na\\u006de":"y","data":"z"}',
        '{"id":"x","topic":"only"}',
        '{"data":"x","id":"y"}',
        '{"id":1,"data":"x"}',
        '{"id":"x","data":"y","more":1}',
        "{}",
        "{oops}",
        json('["\\u0085|\\\\u2028|\\u2029", "\\u2028\\n\\u20"]'),
        json('{"\\u2029":"\\\\\\u2028", "cut": "\\u202'),
        json("[\\"),
      ];
      const frame = packFrame(
        payloads.map((payload, index) => ({ handles: handlesOf("ann"), id: `p-${index}`, json: payload })),
      );
      assert.equal(served.pool.deliverFrame(frame, 1, ""), payloads.length);
      await waitFor("all chunks", () => raw.chunks.length === payloads.length + 1);
      const expected = payloads.map(
        (payload, index) => `Recvd msg #${index + 1}: '${payloadText(payload)}'\n`,
      );
      assert.deepEqual(
        raw.chunks.slice(1),
        expected.map((text) => Buffer.from(new TextEncoder().encode(text)).toString("latin1")),
      );
      assert.match(raw.text, /msg #5: '\{"id"/);
      assert.match(raw.text, /msg #10: '\/w=='/);
      const wide = Buffer.from('msg #19: \'["\u0085|\\\\u2028|\u2029", "\u2028\\n\\u20"]\'');
      assert.ok(raw.text.includes(wide.toString("latin1")), "wide line breaks as they were written");
    });

    it("malformed frames - deliver the records before the fault, return -1, and are read no further", async () => {
      const raw = await served.held("ann");
      const [handle = -1] = handlesOf("ann");
      const record = (id: string) => ({ handles: [handle], id, json: json('"x"') });
      const frame = packFrame([record("0-a-1"), record("0-a-2")]);
      const second = 32 + (frame.length - 32) / 2; // both records have the same length
      for (let length = 0; length < frame.length; length += 1) {
        assert.equal(served.pool.deliverFrame(frame.subarray(0, length), 1, ""), -1, `${length} bytes`);
      }
      const delivered = frame.length - second; // once for each truncation after the first record
      assert.equal(served.pool.counts.delivered, delivered);
      const changes: readonly [string, (bytes: Buffer) => unknown][] = [
        ["kind", (bytes) => bytes.writeUInt8(2, 0)],
        ["version", (bytes) => bytes.writeUInt8(1, 1)],
        ["more records announced", (bytes) => bytes.writeUInt32LE(3, 8)],
        ["fewer records announced", (bytes) => bytes.writeUInt32LE(1, 8)],
        ["too many recipients", (bytes) => bytes.writeUInt32LE(0xffff_ffff, second)],
        ["too long JSON", (bytes) => bytes.writeUInt32LE(0xffff_ffff, second + 4)],
        ["no id", (bytes) => bytes.writeUInt32LE(0, second + 8)],
        ["too long an id", (bytes) => bytes.writeUInt32LE(41, second + 8)],
        ["a line break in the id", (bytes) => bytes.write("\n", second + 16)],
        ["a line break in the JSON", (bytes) => bytes.write("\n", second + 24)],
        ["no brace", (bytes) => bytes.write("x", second + 21)],
      ];
      for (const [what, change] of changes) {
        const changed = Buffer.from(frame);
        change(changed);
        assert.equal(served.pool.deliverFrame(changed, 1, ""), -1, what);
      }
      const head = {
        partition: 9,
        presenceEpoch: 2 ** 32 - 1,
        number: 77,
        epoch: 36 ** 8,
        sequence: 36 ** 10,
      };
      assert.equal(served.pool.deliverFrame(packFrame([], head), 1, ""), 0, "it only moves the position");
      assert.equal(served.pool.deliverFrame(frame, 1, ""), 2);
      await waitFor("all chunks", () => raw.chunks.length === 1 + served.pool.counts.delivered);
      assert.doesNotMatch(raw.chunks.slice(1).join(""), /(?<!')\n(?!$|Recvd)/);
    });

    it("every alignment - is read in the same way", async () => {
      const raw = await served.held("ann");
      const frame = packFrame([{ handles: handlesOf("ann"), id: "0-a-1", json: json('"x"') }]);
      for (let shift = 0; shift < 8; shift += 1) {
        const memory = Buffer.alloc(frame.length + shift);
        frame.copy(memory, shift);
        assert.equal(served.pool.deliverFrame(memory.subarray(shift), 1, ""), 1);
      }
      await raw.until("msg #8:");
    });

    it("released handle - names the next user, and neither user receives an event of the other", async () => {
      const [gone, stays] = [await served.held("ann"), await served.held("bob")];
      const [handle = -1] = handlesOf("ann");
      gone.close();
      await waitFor("the end to be reported", () => served.ended.length === 1);
      served.pool.table.release(handle);
      const frame = packFrame([{ handles: [handle], id: "0-a-1", json: json('"x"') }]);
      assert.equal(served.pool.deliverFrame(frame, 1, ""), 0);
      const next = await served.held("carl");
      assert.deepEqual(handlesOf("carl"), [handle]);
      assert.equal(served.pool.deliverFrame(frame, 1, ""), 1);
      await next.until("msg #1: 'x'");
      assert.doesNotMatch(stays.text, /msg/);
    });
  });
}
