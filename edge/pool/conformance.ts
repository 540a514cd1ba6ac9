// What every connection pool does behind the Node adapter, seen from the wire: framing, closes, slow readers, drains.
// Each implementation runs this suite.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, it } from "node:test";
import { type Context, Hono } from "hono";
import { parseUserId, type UserId } from "../../broker/contract.ts";
import { packFrame } from "../../test/support/packed-frames.ts";
import { RawHttp } from "../../test/support/raw-http.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { ndjson } from "../formats/ndjson.ts";
import { payloadText } from "../formats/payload-text.ts";
import { PositionedEvent } from "../formats/positioned-event.ts";
import { sse } from "../formats/sse.ts";
import { text } from "../formats/text.ts";
import { type ConnectionPool, DEFAULT_LIMITS, type PoolLimits, type StreamSpec } from "./pool.ts";

/** One implementation: how to serve an app whose held responses it takes. */
export interface PoolUnderTest {
  readonly name: string;
  readonly skip: string | false;
  create(limits: PoolLimits, onEnd: (users: readonly UserId[]) => void): ConnectionPool;
  serve(app: Hono, pool: ConnectionPool, onAbandoned: (spec: StreamSpec) => void): Server;
  /** Marks a response to be held. */
  hold(c: Context, spec: StreamSpec, headers: Record<string, string>): Response;
}

const LIMITS: PoolLimits = { ...DEFAULT_LIMITS, maxQueueBytes: 65_536, endMs: 200 };
const ann = parseUserId("ann");
let sequence = 0;

function eventOf(payload: string): PositionedEvent {
  sequence += 1;
  return new PositionedEvent(`e${sequence}`, JSON.stringify({ id: `e${sequence}`, data: payload }), "0");
}

export function testPoolConformance({ name, skip, create, serve, hold }: PoolUnderTest): void {
  describe(`${name} pool`, { skip }, () => {
    let pool: ConnectionPool;
    let server: Server;
    let port: number;
    let ended: string[];
    let abandoned: number;
    let openGate: () => void;
    let clients: RawHttp[];

    const start = async (limits: Partial<PoolLimits> = {}): Promise<void> => {
      ended = [];
      abandoned = 0;
      clients = [];
      pool = create({ ...LIMITS, ...limits }, (users) => ended.push(users.join(",")));
      const gate = new Promise<void>((resolve) => {
        openGate = resolve;
      });
      const app = new Hono();
      app.use(async (c, next) => {
        await next();
        c.header("X-After", "set after next(), caf\u00e9");
      });
      const specOf = (c: Context): StreamSpec => ({
        users: (c.req.param("users") ?? "").split(",").map(parseUserId),
        format: text,
        opening: "welcome\n",
        ...(c.req.query("expires") === undefined
          ? {}
          : { expiresAtMs: Date.now() + Number(c.req.query("expires")) }),
      });
      app.get("/hello", (c) => c.text("hi\n"));
      app.get("/hold/:users", (c) => hold(c, specOf(c), { "Content-Type": "text/plain" }));
      app.get("/sse/:users", (c) =>
        hold(c, { ...specOf(c), format: sse }, { "Content-Type": "text/event-stream" }),
      );
      app.get("/ndjson/:users", (c) =>
        hold(c, { ...specOf(c), format: ndjson }, { "Content-Type": ndjson.contentType }),
      );
      app.get("/late/:users", async (c) => {
        await gate;
        return hold(c, specOf(c), {});
      });
      server = serve(app, pool, () => {
        abandoned += 1;
      });
      await new Promise<void>((resolve) =>
        server.listen({ port: 0, host: "127.0.0.1", backlog: 1_024 }, resolve),
      );
      port = (server.address() as AddressInfo).port;
    };
    const client = (): RawHttp => {
      const made = new RawHttp(port);
      clients.push(made);
      return made;
    };
    const held = async (users = "ann", path = "hold"): Promise<RawHttp> => {
      const opened = client().get(`/${path}/${users}`);
      await opened.until("welcome");
      return opened;
    };

    beforeEach(() => start());
    afterEach(async () => {
      for (const made of clients) made.close();
      await pool.drain({ perSecond: 100_000, deadlineMs: 0 });
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });

    describe("requests", () => {
      it("ordinary responses - keep-alive and pipelining are Node's", async () => {
        const raw = client().get("/hello").get("/hello");
        await raw.until(/hi\n[\s\S]*hi\n/);
        assert.equal(raw.ended, undefined);
      });

      it("the head - ours, with headers that middleware set after next()", async () => {
        const raw = await held();
        assert.match(raw.text, /^HTTP\/1\.1 200 OK\r\n/);
        assert.match(raw.text, /\r\nx-after: set after next\(\), caf\u00e9\r\n/i);
        assert.match(raw.text, /\r\nTransfer-Encoding: chunked\r\n/);
        assert.match(raw.text, /\r\nDate: .* GMT\r\n/);
      });

      it("a hold pipelined behind another response - waits for its turn, both arrive whole", async () => {
        const raw = client().get("/hello").get("/hold/ann");
        await raw.until("welcome");
        assert.ok(raw.text.indexOf("hi\n") < raw.text.indexOf("welcome"));
        assert.equal(pool.deliver(ann, eventOf("after")), 1);
        await raw.until("after");
      });

      it("requests pipelined behind a hold - are dropped, and the stream goes on", async () => {
        const raw = await held();
        raw.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n".repeat(50));
        const both = client().get("/hold/bob").get("/hello").get("/hold/carl");
        await both.until("welcome");
        assert.equal(pool.deliver(ann, eventOf("still here")), 1);
        await raw.until("still here");
        assert.doesNotMatch(raw.text + both.text, /hi\n/);
        assert.equal(pool.size, 2);
      });

      it("a body behind the request - is read and dropped", async () => {
        const raw = client().send("GET /hold/ann HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello more");
        await raw.until("welcome");
        assert.equal(pool.deliver(ann, eventOf("x")), 1);
        await raw.until("msg #1");
      });

      it("HTTP/1.0 - bare bytes, no chunks, ended by the close", async () => {
        const raw = client().get("/hold/ann", "1.0");
        await raw.until("welcome");
        pool.deliver(ann, eventOf("plain"));
        await raw.until("Recvd msg #1: 'plain'\n");
        await pool.drain({ perSecond: 1_000, deadlineMs: 1_000 });
        await raw.untilEnded();
        assert.doesNotMatch(raw.text, /Transfer-Encoding/);
        assert.match(raw.text, /\r\n\r\nwelcome\nRecvd msg #1: 'plain'\nGoodbye \(drain\)\n$/);
      });

      it("gone before it was held - is given up, and its users are let go", async () => {
        const raw = client().get("/late/ann");
        await waitFor(
          "the request to be taken",
          () => new Promise((resolve) => server.getConnections((_, count) => resolve(count === 1))),
        );
        raw.close();
        await waitFor(
          "Node to see the close",
          () => new Promise((resolve) => server.getConnections((_, count) => resolve(count === 0))),
        );
        openGate();
        await waitFor("the abandonment", () => abandoned === 1);
        assert.equal(pool.size, 0);
      });
    });

    describe("framing", () => {
      it("every size - chunks say their size in bytes, not in characters", async () => {
        const raw = await held("ann", "sse");
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
        for (const event of events) pool.deliver(ann, event);
        await raw.until(`"id":"${events.at(-1)?.id}"`);
        await waitFor("all chunks", () => raw.chunks.length === 1 + payloads.length);
        const expected = events.map(({ json, cursor }) => `id: ${cursor}\ndata: ${json}\n\n`);
        assert.deepEqual(
          raw.chunks.slice(1).map((chunk) => Buffer.from(chunk, "latin1").toString("utf8")),
          expected,
        );
      });

      it("numbers - count per connection", async () => {
        const first = await held();
        pool.deliver(ann, eventOf("a"));
        const second = await held();
        pool.deliver(ann, eventOf("b"));
        await first.until("Recvd msg #2: 'b'\n");
        await second.until("Recvd msg #1: 'b'\n");
      });
    });

    describe("who receives", () => {
      it("streams of one user - each gets it; of several users - once; of others - not", async () => {
        const [one, two, both, other] = [
          await held("ann"),
          await held("ann"),
          await held("ann,bob"),
          await held("carl"),
        ];
        const event = eventOf("to friends");
        assert.equal(pool.streamsOf(ann), 3);
        assert.equal(pool.deliver(ann, event), 3);
        assert.equal(pool.deliver(parseUserId("bob"), event), 0, "ann,bob has it already");
        assert.equal(pool.deliver(parseUserId("nobody"), event), 0);
        for (const raw of [one, two, both]) await raw.until("msg #1: 'to friends'");
        pool.deliver(parseUserId("carl"), eventOf("end"));
        await other.until("'end'");
        assert.doesNotMatch(other.text, /friends/);
        assert.equal(both.chunks.length, 2);
      });

      it("resync - is said on every stream, in its format", async () => {
        const [plain, events] = [await held("ann"), await held("bob", "sse")];
        pool.resync("a-reason");
        await plain.until("Some messages may be missing (a-reason)\n");
        await events.until('event: resync\ndata: {"reason":"a-reason"}\n\n');
      });
    });

    describe("packed frames", () => {
      const json = (data: string): string => `{"id":"0-a-1","data":${data}}`;
      const handlesOf = (...users: string[]): number[] =>
        users.map((user) => pool.table.find(parseUserId(user)));

      it("each record - reaches every stream of its recipients once, in each format", async () => {
        const [plain, events, lines, both] = [
          await held("ann"),
          await held("ann", "sse"),
          await held("bob", "ndjson"),
          await held("ann,bob"),
        ];
        const frame = packFrame([
          { handles: [...handlesOf("ann", "bob"), 4_000_000_000, 17], id: "0-a-1", json: json('"ä😀"') },
          { handles: handlesOf("bob"), id: "0-a-2", json: json('{"n":1}') },
        ]);
        assert.equal(pool.deliverFrame(frame, "1.z.9~"), 6);
        assert.equal(pool.counts.delivered, 6);
        const utf8 = (raw: RawHttp): string[] =>
          raw.chunks.slice(1).map((chunk) => Buffer.from(chunk, "latin1").toString());
        await both.until("msg #2: '{\"n\":1}'\n");
        assert.deepEqual(utf8(both), ["Recvd msg #1: 'ä😀'\n", "Recvd msg #2: '{\"n\":1}'\n"]);
        await lines.until("0.a.2");
        assert.deepEqual(utf8(lines), [
          `{"id":"0-a-1","data":"ä😀","cursor":"1.z.9~0.a.1"}\n`,
          `{"id":"0-a-1","data":{"n":1},"cursor":"1.z.9~0.a.2"}\n`,
        ]);
        await events.until("0.a.1");
        assert.deepEqual(utf8(events), [`id: 1.z.9~0.a.1\ndata: ${json('"ä😀"')}\n\n`]);
        assert.deepEqual(utf8(plain), ["Recvd msg #1: 'ä😀'\n"]);
        assert.equal(pool.deliverFrame(frame, ""), 4, "who has several users has the events already");
      });

      it("payloads - are shown as a person reads them, whatever they are", async () => {
        const raw = await held("ann");
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
        ];
        const frame = packFrame(
          payloads.map((payload, index) => ({ handles: handlesOf("ann"), id: `p-${index}`, json: payload })),
        );
        assert.equal(pool.deliverFrame(frame, ""), payloads.length);
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
      });

      it("malformed ones - deliver what is whole before, answer -1, and are read no further", async () => {
        const raw = await held("ann");
        const [handle = -1] = handlesOf("ann");
        const record = (id: string) => ({ handles: [handle], id, json: json('"x"') });
        const frame = packFrame([record("0-a-1"), record("0-a-2")]);
        const second = frame.readUInt32LE(8);
        for (let length = 0; length < frame.length; length += 1) {
          assert.equal(pool.deliverFrame(frame.subarray(0, length), ""), -1, `${length} bytes`);
        }
        const delivered = frame.length - second; // once for each cut behind the first record
        assert.equal(pool.counts.delivered, delivered);
        const changes: readonly [string, (bytes: Buffer) => unknown][] = [
          ["kind", (bytes) => bytes.writeUInt8(2, 0)],
          ["version", (bytes) => bytes.writeUInt8(2, 1)],
          ["reserved", (bytes) => bytes.writeUInt16LE(1, 2)],
          ["last record", (bytes) => bytes.writeUInt32LE(12, 8)],
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
          assert.equal(pool.deliverFrame(changed, ""), -1, what);
        }
        assert.equal(pool.deliverFrame(frame, ""), 2);
        await waitFor("all chunks", () => raw.chunks.length === 1 + pool.counts.delivered);
        assert.doesNotMatch(raw.chunks.slice(1).join(""), /(?<!')\n(?!$|Recvd)/);
      });

      it("any alignment - is read alike", async () => {
        const raw = await held("ann");
        const frame = packFrame([{ handles: handlesOf("ann"), id: "0-a-1", json: json('"x"') }]);
        for (let shift = 0; shift < 8; shift += 1) {
          const memory = Buffer.alloc(frame.length + shift);
          frame.copy(memory, shift);
          assert.equal(pool.deliverFrame(memory.subarray(shift), ""), 1);
        }
        await raw.until("msg #8:");
      });

      it("a handle that was released - is the next user's, and no event of the one reaches the other", async () => {
        const [gone, stays] = [await held("ann"), await held("bob")];
        const [handle = -1] = handlesOf("ann");
        gone.close();
        await waitFor("the end to be told", () => ended.length === 1);
        pool.table.release(handle);
        const frame = packFrame([{ handles: [handle], id: "0-a-1", json: json('"x"') }]);
        assert.equal(pool.deliverFrame(frame, ""), 0);
        const next = await held("carl");
        assert.deepEqual(handlesOf("carl"), [handle]);
        assert.equal(pool.deliverFrame(frame, ""), 1);
        await next.until("msg #1: 'x'");
        assert.doesNotMatch(stays.text, /msg/);
      });
    });

    describe("closes", () => {
      const ways: readonly (readonly [string, (raw: RawHttp) => void])[] = [
        ["FIN", (raw) => raw.close()],
        ["RST", (raw) => raw.socket.resetAndDestroy()],
        ["half-close", (raw) => raw.socket.end()],
      ];
      for (const [way, close] of ways) {
        it(`${way} - is seen, the user is let go once`, async () => {
          const [raw, stays] = [await held("ann"), await held("bob")];
          close(raw);
          await waitFor("the stream to be gone", () => pool.size === 1);
          assert.deepEqual(ended, ["ann"]);
          assert.equal(pool.streamsOf(ann), 0);
          assert.equal(pool.deliver(ann, eventOf("x")), 0);
          assert.equal(pool.deliver(parseUserId("bob"), eventOf("y")), 1);
          await stays.until("'y'");
        });
      }

      it("many, in any order - nothing is left: no stream, no user, no descriptor", async () => {
        const before = descriptors();
        for (let round = 0; round < 3; round += 1) {
          const raws = await Promise.all(
            Array.from({ length: 60 }, (_, index) => held(index % 3 === 0 ? "ann,bob" : `u${index % 7}`)),
          );
          assert.equal(pool.size, 60);
          for (const [index, raw] of raws.entries()) if (index % 2 === 0) raw.socket.resetAndDestroy();
          for (const raw of raws.reverse()) raw.close();
          await waitFor("all to be gone", () => pool.size === 0);
        }
        assert.equal(pool.users, 0);
        assert.equal(pool.queuedBytes, 0);
        assert.equal(ended.length, 180);
        await waitFor("the descriptors to be closed", () => descriptors() <= before);
      });
    });

    describe("slow readers", () => {
      const big = "x".repeat(16_000);

      it("one who pauses - gets everything in order, framing whole, and what waited is freed", async () => {
        await restart({ maxQueueBytes: 8_388_608 });
        const raw = await held();
        raw.socket.pause();
        let sent = 0;
        while (pool.queuedBytes === 0) {
          assert.equal(pool.deliver(ann, eventOf(big)), 1);
          sent += 1;
        }
        for (let more = 0; more < 20; more += 1, sent += 1) assert.equal(pool.deliver(ann, eventOf(big)), 1);
        assert.ok(pool.queuedBytes > 0);
        raw.socket.resume();
        await waitFor(
          "everything to arrive",
          () => raw.text.endsWith("'\n\r\n") && raw.chunks.length === sent + 1,
        );
        assert.ok(raw.chunks.at(-1)?.startsWith(`Recvd msg #${sent}: 'x`));
        await waitFor("the queue to be free", () => pool.queuedBytes === 0);
      });

      it("one who never reads - is cut at the bound, the others go on", async () => {
        const [slow, quick] = [await held("ann"), await held("bob")];
        slow.socket.pause();
        for (let sent = 0; pool.size === 2 && sent < 5_000; sent += 1) {
          pool.deliver(ann, eventOf(big));
          assert.ok(pool.queuedBytes <= LIMITS.maxQueueBytes + big.length * 2);
        }
        assert.equal(pool.counts.closed.slow, 1);
        assert.equal(pool.queuedBytes, 0);
        await waitFor("the end to be told", () => ended.length > 0);
        assert.deepEqual(ended, ["ann"]);
        pool.deliver(parseUserId("bob"), eventOf("fine"));
        await quick.until("'fine'");
        await waitFor(
          "the kernel to forget the connection",
          () => !kernelHolds(port, slow.socket.localPort ?? 0),
        );
      });

      it("all together - over the bound, those with the most are cut", async () => {
        await restart({ maxQueueBytes: 1_000_000, maxQueuedBytes: 300_000 });
        const slow = [await held("ann"), await held("ann"), await held("ann")];
        for (const raw of slow) raw.socket.pause();
        for (let sent = 0; pool.counts.closed.overload === 0 && sent < 5_000; sent += 1)
          pool.deliver(ann, eventOf(big));
        assert.ok(pool.counts.closed.overload >= 1);
        assert.ok(pool.queuedBytes <= 300_000);
      });

      it("one who takes nothing of what waits - is cut in time", async () => {
        await restart({ maxQueueBytes: 8_388_608, stalledMs: 300 });
        const raw = await held();
        raw.socket.pause();
        while (pool.queuedBytes === 0) pool.deliver(ann, eventOf(big));
        await waitFor("the cut", () => pool.counts.closed.stalled === 1);
        assert.equal(pool.size, 0);
        assert.equal(pool.queuedBytes, 0);
      });
    });

    describe("time", () => {
      it("heartbeats - come on quiet streams, and say nothing", async () => {
        await restart({ heartbeatMs: 300 });
        const [plain, events] = [await held("ann"), await held("bob", "sse")];
        await plain.until(/welcome\n\r\n(1\r\n\n\r\n){2}/);
        await events.until(/:\n\n/);
        assert.deepEqual(plain.chunks.slice(1, 3), ["\n", "\n"]);
      });

      it("a token that runs out - ends the stream with last words", async () => {
        await restart({ heartbeatMs: 300 });
        const raw = client().get("/hold/ann?expires=100");
        await raw.until("Goodbye (expired)\n");
        await raw.untilEnded();
        assert.equal(raw.chunks.at(-1), "");
        assert.equal(pool.counts.closed.expired, 1);
      });
    });

    describe("lifetime", () => {
      it("a stream that lived as long as it may - ends with a time to come back, not all at once", async () => {
        await restart({ heartbeatMs: 200, maxLifetimeMs: 1_000 });
        const raws = await Promise.all(Array.from({ length: 30 }, () => held("ann", "sse")));
        const startedAt = performance.now();
        const endedAt = raws.map(async (raw) => {
          await raw.until('event: goodbye\ndata: {"reason":"aged"}\n\n');
          return performance.now() - startedAt;
        });
        const times = (await Promise.all(endedAt)).sort((a, b) => a - b);
        assert.equal(pool.counts.closed.aged, 30);
        assert.match(raws[0]?.text ?? "", /retry: \d+\nevent: goodbye/);
        assert.ok((times.at(-1) ?? 0) - (times[0] ?? 0) > 100, "they are spread over 400 ms");
      });
    });

    describe("drain", () => {
      it("200 streams - each gets its last words, the last chunk and a FIN", async () => {
        const raws = await Promise.all(
          Array.from({ length: 200 }, (_, index) => held(`u${index}`, index % 2 === 0 ? "hold" : "sse")),
        );
        await pool.drain({ perSecond: 2_000, deadlineMs: 5_000 });
        assert.equal(pool.size, 0);
        for (const raw of raws) {
          await raw.untilEnded();
          assert.equal(raw.ended, "fin");
          assert.equal(raw.chunks.at(-1), "");
          assert.match(raw.chunks.at(-2) ?? "", /Goodbye \(drain\)|event: goodbye/);
        }
        assert.equal(pool.counts.closed.drain, 200);
        assert.equal(ended.length, 200);
        const retries = raws.flatMap((raw) => /retry: (\d+)\nevent: goodbye/.exec(raw.text)?.[1] ?? []);
        assert.equal(retries.length, 100);
        assert.ok(new Set(retries).size > 50, "readers come back spread out");
      });

      it("at a bounded pace - not all at once", async () => {
        await Promise.all(Array.from({ length: 100 }, (_, index) => held(`u${index}`)));
        const startedAt = performance.now();
        await pool.drain({ perSecond: 200, deadlineMs: 10_000 });
        assert.ok(performance.now() - startedAt > 400, "100 streams at 200 a second");
      });

      it("a reader who does not read - holds nobody up", async () => {
        const [slow] = [await held("ann"), await held("bob")];
        slow.socket.pause();
        while (pool.queuedBytes === 0) pool.deliver(ann, eventOf("x".repeat(16_000)));
        const startedAt = performance.now();
        await pool.drain({ perSecond: 1_000, deadlineMs: 5_000 });
        assert.ok(performance.now() - startedAt < 2_000);
        assert.equal(pool.size, 0);
      });

      it("who comes while it drains - is told to come back", async () => {
        await held();
        const draining = pool.drain({ perSecond: 20, deadlineMs: 5_000 });
        const late = client().get("/hold/late");
        await late.until("Goodbye (drain)");
        await draining;
        assert.equal(pool.size, 0);
      });
    });

    async function restart(limits: Partial<PoolLimits>): Promise<void> {
      await pool.drain({ perSecond: 1_000, deadlineMs: 0 });
      await new Promise((resolve) => server.close(resolve));
      await start(limits);
    }
  });
}

/** Whether the kernel still keeps our end of a connection, with what waits in it. */
function kernelHolds(port: number, clientPort: number): boolean {
  const hex = (number: number): string => number.toString(16).toUpperCase().padStart(4, "0");
  const ends = new RegExp(`^ *\\d+: [0-9A-F]{8}:${hex(port)} [0-9A-F]{8}:${hex(clientPort)} `, "m");
  return ends.test(readFileSync("/proc/net/tcp", "utf8"));
}

function descriptors(): number {
  return readdirSync("/proc/self/fd").length;
}
