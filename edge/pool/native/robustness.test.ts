// Failures of the addon that the suite of all pools does not cause: damaged frames, exhausted memory, ending
// threads.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { createServer } from "node:net";
import { describe, it } from "node:test";
import { Worker } from "node:worker_threads";
import { Hono } from "hono";
import { parseUserId } from "../../../broker/contract.ts";
import { RawHttp } from "../../../test/support/raw-http.ts";
import { waitFor } from "../../../test/support/wait-for.ts";
import type { StreamFormat } from "../../formats/format.ts";
import { PositionedEvent } from "../../formats/positioned-event.ts";
import { sse } from "../../formats/sse.ts";
import { text } from "../../formats/text.ts";
import { descriptorOf } from "../../node/descriptor.ts";
import { holdDescriptors } from "../../node/holders.ts";
import { createNodeServer, markHeld } from "../../node/server.ts";
import { DEFAULT_LIMITS, type StreamSpec } from "../pool.ts";
import { hasPoolAddon, loadPoolAddon } from "./addon.ts";
import { fuzzFrames } from "./conformance-fuzz.ts";
import { NativePool } from "./native-pool.ts";

const skip = hasPoolAddon() ? false : "the addon was not built here";
const descriptors = (): number => readdirSync("/proc/self/fd").length;

describe("native pool, robustness", { skip }, () => {
  it("damaged frames - have the same result in both pools, and intact ones produce the same bytes", async () => {
    for (const seed of [1, 2, 3]) await fuzzFrames({ seed, frames: 400 });
  });

  it("memory that is exhausted at any point - closes or refuses and counts that stream, and affects nothing else", async () => {
    const addon = loadPoolAddon();
    const limits = { ...DEFAULT_LIMITS, endMs: 100 };
    for (let after = 0; after < 24; after += 1) {
      const told: string[] = [];
      const results: boolean[] = [];
      const pool = new NativePool(limits);
      pool.onEnd((users) => told.push(users.join(",")));
      const server = createServer((socket) => {
        const spec = { users: [ann, bob], format: text, opening: "welcome\n", cursor: "0", tickMs: 60_000 };
        addon.failAllocations(after);
        const held = pool.adopt(descriptorOf(socket), "", spec, "chunked");
        if (held)
          pool.deliver(
            pool.table.find(ann),
            new PositionedEvent("e", `{"id":"e","data":"${"x".repeat(2_000)}"}`, "0"),
          );
        addon.failAllocations(-1);
        results.push(held);
        socket.destroy();
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const address = server.address();
      const raw = new RawHttp(typeof address === "object" ? (address?.port ?? 0) : 0);
      await waitFor("the connection", () => results.length === 1);
      const { opened, closed } = pool.counts;
      assert.equal(opened, results[0] ? 1 : 0);
      assert.equal(pool.size, opened - closed.refused);
      if (pool.size === 1) await raw.until("msg #1: 'x");
      else await raw.untilEnded();
      await waitFor("the end to be reported", () => told.length === closed.refused);
      raw.close();
      await waitFor("the pool to be empty", () => pool.size === 0);
      assert.equal(pool.users, 0);
      assert.equal(pool.queuedBytes, 0);
      await pool.drain({ perSecond: 1_000, deadlineMs: 0 });
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it("memory that is exhausted at any point - refuses a corked stream, or makes it forget its events", async () => {
    const addon = loadPoolAddon();
    const seen = new Set<string>();
    for (let after = 0; after < 24; after += 1) {
      const pool = new NativePool({ ...DEFAULT_LIMITS, endMs: 100 });
      const results: boolean[] = [];
      const cork = { number: 7, onHeld: () => {} };
      const server = createServer((socket) => {
        const spec = { users: [ann, bob], format: text, opening: "", cursor: "c1", cork };
        addon.failAllocations(after);
        const held = pool.adopt(descriptorOf(socket), "HEAD\n", spec, "chunked");
        if (held) pool.deliver(pool.table.find(ann), new PositionedEvent("e", '{"id":"e"}', "0"));
        addon.failAllocations(-1);
        results.push(held);
        socket.destroy();
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const address = server.address();
      const raw = new RawHttp(typeof address === "object" ? (address?.port ?? 0) : 0);
      await waitFor("the connection", () => results.length === 1);
      const buffered = pool.takeBuffered(7);
      seen.add(JSON.stringify([results[0], pool.corked, buffered?.overflowed, buffered?.events.length]));
      assert.equal(pool.size, pool.corked);
      assert.equal(pool.bufferedBytes, 0);
      pool.endCorked(7, "busy");
      if (results[0]) await raw.until("HEAD\n");
      await raw.untilEnded();
      raw.close();
      await waitFor("the pool to be empty", () => pool.descriptors === 0);
      assert.deepEqual([pool.users, pool.corked], [0, 0]);
      await pool.drain({ perSecond: 1_000, deadlineMs: 0 });
      await new Promise((resolve) => server.close(resolve));
    }
    assert.deepEqual([...seen].sort(), ["[false,0,null,null]", "[true,1,false,1]", "[true,1,true,0]"]);
  });

  it("worker threads - end with open streams at any moment, and leave no descriptor", async () => {
    const before = descriptors();
    for (let round = 0; round < 12; round += 1) {
      const worker = new Worker(PROGRAM, { eval: true, workerData: { pool: POOL, format: FORMAT } });
      const ports = await new Promise<number>((resolve, reject) => {
        worker.once("message", resolve);
        worker.once("error", reject);
      });
      const readers = Array.from({ length: 5 }, () => new RawHttp(ports));
      for (const reader of readers) await reader.until("welcome");
      if (round % 2 === 0) await worker.terminate();
      else {
        const ended = new Promise((resolve) => worker.once("exit", resolve));
        worker.postMessage("end");
        await ended;
      }
      for (const reader of readers) {
        await reader.untilEnded();
        reader.close();
      }
    }
    await waitFor("the descriptors to be closed", () => descriptors() <= before + 2);
  });

  it("full pool - refuses as the app does, with the headers that middleware set, and releases the users", async () => {
    const pool = new NativePool(DEFAULT_LIMITS);
    await pool.drain({ perSecond: 1, deadlineMs: 0 }); // accepts no more streams
    const app = new Hono();
    app.use((c, next) => {
      c.header("X-Before", "set"); // like CORS
      return next();
    });
    const spec = { users: [ann], opening: "welcome\n", cursor: "0" };
    const typed = ({ contentType }: StreamFormat) => ({
      "Content-Type": contentType,
      "Cache-Control": "no-store",
    });
    app.get("/text", (c) => markHeld(c, { ...spec, format: text }, typed(text)));
    app.get("/sse", (c) => {
      const goodbye = (reason: string, retryMs: number): string => sse.goodbye(reason, retryMs, "0.1.1");
      c.set("askedStream", { headers: typed(sse), goodbye });
      return markHeld(c, { ...spec, format: sse }, typed(sse));
    });
    const abandoned: string[] = [];
    const onAbandoned = (_: StreamSpec, why: string): unknown => abandoned.push(why);
    const server = createNodeServer({ app, holder: holdDescriptors(pool), onAbandoned });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" ? (address?.port ?? 0) : 0;
    const plain = new RawHttp(port).get("/text");
    await plain.until("EDGE_FULL");
    assert.match(plain.text, /^HTTP\/1\.1 503 /);
    for (const line of ["retry-after: 5", "x-before: set", "content-type: application/json"])
      assert.ok(plain.text.toLowerCase().includes(`\r\n${line}\r\n`), line);
    assert.doesNotMatch(plain.text, /cache-control/i);
    const events = new RawHttp(port).get("/sse");
    await events.until('\nevent: goodbye\ndata: {"reason":"full"}\n\n');
    assert.match(events.text, /^HTTP\/1\.1 200 [\s\S]*\r\n\r\nid: 0\.1\.1\nretry: \d+\n/);
    for (const line of [
      "x-before: set",
      "cache-control: no-store",
      "content-type: text/event-stream; charset=utf-8",
    ])
      assert.ok(events.text.toLowerCase().includes(`\r\n${line}\r\n`), line);
    assert.deepEqual(abandoned, ["full", "full"]);
    for (const raw of [plain, events]) raw.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it("pool - keeps no process alive, and behaves like an empty one after its end", async () => {
    const pool = new NativePool(DEFAULT_LIMITS);
    await pool.drain({ perSecond: 1, deadlineMs: 0 });
    assert.equal(pool.size, 0);
    assert.equal(pool.deliver(0, new PositionedEvent("e", "{}", "0")), undefined);
    assert.equal(pool.deliverFrame(new Uint8Array(64), 1, ""), 0);
    assert.equal(pool.table.find(ann), -1);
    assert.equal(
      pool.adopt(0, "", { users: [ann], format: text, opening: "", cursor: "0" }, "chunked"),
      false,
      "it accepts no more streams",
    );
  });
});

const [ann, bob] = [parseUserId("ann"), parseUserId("bob")];
const POOL = new URL("./native-pool" + import.meta.url.slice(-3), import.meta.url).href;
const FORMAT = new URL("../../formats/text" + import.meta.url.slice(-3), import.meta.url).href;

/** Serves streams in a thread until it is ended from outside, or told to release everything. */
const PROGRAM = `
  const { parentPort, workerData } = require("node:worker_threads");
  const { createServer } = require("node:net");
  Promise.all([import(workerData.pool), import(workerData.format)]).then(([{ NativePool }, { text }]) => {
    const limits = { maxQueueBytes: 1e6, maxQueuedBytes: 1e8, stalledMs: 1e4, heartbeatMs: 20, refreshMs: 100, endMs: 100, maxLifetimeMs: 0 };
    const pool = new NativePool(limits);
    const server = createServer((socket) => {
      pool.adopt(socket._handle.fd, "", { users: ["a", "b"], format: text, opening: "welcome", cursor: "0" }, "chunked");
      socket.destroy();
    });
    server.listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port));
    parentPort.once("message", () => server.close());
  });
`;
