// A seeded fuzz test of packed frames. The native pool over real sockets and the TypeScript pool over memory
// hold the same streams, some of them corked at first. Well-formed frames must produce the same bytes; frames
// with random damage must have the same result, and nothing may break. Under a sanitizer, the test also shows
// that nothing outside a frame is read.

import assert from "node:assert/strict";
import { connect, createServer, type Server, type Socket } from "node:net";
import { parseUserId } from "../../../broker/contract.ts";
import { type PackedEvent, packFrame } from "../../../test/support/packed-frames.ts";
import { waitFor } from "../../../test/support/wait-for.ts";
import { FORMATS } from "../../formats/index.ts";
import { descriptorOf } from "../../node/descriptor.ts";
import { type ConnectionPool, DEFAULT_LIMITS, type StreamSpec } from "../pool.ts";
import type { SinkDriver } from "../stream.ts";
import { StreamPool } from "../stream-pool.ts";
import { NativePool } from "./native-pool.ts";

const USERS = 12;
const STREAMS = 24;
/** One of this many streams begins corked. */
const CORKED_EACH = 3;
const LIMITS = { ...DEFAULT_LIMITS, maxQueueBytes: 1e9, maxQueuedBytes: 1e12, heartbeatMs: 1e9, endMs: 200 };
/** Frames between two turns of the event loop, in which the readers read. */
const BURST = 50;

export interface FuzzOptions {
  readonly seed: number;
  /** Frames of each kind. */
  readonly frames: number;
}

interface Sink {
  text: string;
}

const memory: SinkDriver<Sink> = {
  write(sink, bytes) {
    sink.text += Buffer.from(bytes).toString("latin1");
  },
  pending: () => 0,
  end: () => false,
  cut: () => {},
};

/** @throws AssertionError with the frame of the seed for which the two pools differ */
export async function fuzzFrames({ seed, frames }: FuzzOptions): Promise<void> {
  const random = randomOf(seed);
  const native = new NativePool(LIMITS);
  const twin = new StreamPool<Sink>({ driver: memory, limits: LIMITS });
  const sinks: Sink[] = [];
  const readers: Reader[] = [];
  const corks: number[] = [];
  for (let stream = 0; stream < STREAMS; stream += 1) {
    const spec = specOf(stream, random);
    if (spec.cork !== undefined) corks.push(spec.cork.number);
    const sink: Sink = { text: "" };
    sinks.push(sink);
    const framing = stream % 4 === 0 ? "none" : "chunked";
    twin.open(sink, spec, framing);
    readers.push(await Reader.open((fd) => assert.ok(native.adopt(fd, "", spec, framing))));
  }
  try {
    for (let round = 0; round < frames; round += 1) {
      const frame = packFrame(recordsOf(random, round));
      const [stamp, others] = [stampOf(random), othersOf(random)];
      assert.equal(
        native.deliverFrame(frame, stamp, others),
        twin.deliverFrame(frame, stamp, others),
        `frame ${round}`,
      );
      if (random(8) === 0) actOnCork(random, corks, [native, twin]);
      if (round % BURST === 0) await turn();
    }
    assert.deepEqual([native.corked, native.counts.overflows], [twin.corked, twin.counts.overflows]);
    for (const number of corks.splice(0)) for (const pool of [native, twin]) pool.uncork(number);
    assert.deepEqual([native.corked, native.bufferedBytes, twin.bufferedBytes], [0, 0, 0]);
    for (const [index, reader] of readers.entries()) {
      const expected = sinks[index]?.text ?? "";
      await waitFor(`${expected.length} bytes`, () => reader.text.length >= expected.length);
      assert.ok(reader.text === expected, `stream ${index} differs after seed ${seed}`);
    }
    for (const sink of sinks) sink.text = "";
    for (let round = 0; round < frames; round += 1) {
      const frame = damage(packFrame(recordsOf(random, frames + round)), random);
      const copy = Buffer.from(frame);
      assert.equal(
        native.deliverFrame(frame, 1, "c"),
        twin.deliverFrame(copy, 1, "c"),
        `seed ${seed}, ${copy.toString("hex")}`,
      );
      assert.equal(native.size, STREAMS);
      for (const sink of sinks) sink.text = "";
      for (const reader of readers) reader.text = "";
      if (round % BURST === 0) await turn();
    }
  } finally {
    await native.drain({ perSecond: 1e6, deadlineMs: 0 });
    await twin.drain({ perSecond: 1e6, deadlineMs: 0 });
    for (const reader of readers) reader.close();
  }
}

/** A reader in this process; the pool holds the accepted end of its connection. */
class Reader {
  text = "";
  readonly #socket: Socket;
  readonly #server: Server;

  private constructor(socket: Socket, server: Server) {
    this.#socket = socket;
    this.#server = server;
    socket.on("data", (bytes: Buffer) => {
      this.text += bytes.toString("latin1");
    });
  }

  static async open(adopt: (fd: number) => void): Promise<Reader> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const accepted = new Promise<Socket>((resolve) => server.once("connection", resolve));
    const address = server.address();
    const socket = connect({
      port: typeof address === "object" ? (address?.port ?? 0) : 0,
      host: "127.0.0.1",
    });
    const ours = await accepted;
    const reader = new Reader(socket, server);
    adopt(descriptorOf(ours));
    ours.destroy();
    return reader;
  }

  close(): void {
    this.#socket.destroy();
    this.#server.close();
  }
}

type Random = (below: number) => number;

/** xorshift32. */
function randomOf(seed: number): Random {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function specOf(stream: number, random: Random): StreamSpec {
  const count = stream % 3 === 0 ? 1 + random(4) : 1;
  const users = Array.from({ length: count }, () => parseUserId(`u${random(USERS)}`));
  const format = FORMATS[stream % FORMATS.length] ?? assert.fail();
  const cork = stream % CORKED_EACH === 0 ? { number: stream, onHeld: () => {} } : undefined;
  const opening = cork === undefined ? "hello\n" : "";
  return { users: [...new Set(users)], format, opening, cursor: "0", cork };
}

/** Does the same to a corked stream of both pools, and compares what it had buffered. */
function actOnCork(random: Random, corks: number[], pools: readonly ConnectionPool[]): void {
  const number = corks[random(corks.length + 1)];
  if (number === undefined) return;
  const [taken, expected] = pools.map((pool) => {
    const buffered = pool.takeBuffered(number);
    const events = buffered?.events.map(({ id, json, cursor }) => ({ id, json, cursor }));
    return { events, overflowed: buffered?.overflowed };
  });
  assert.deepEqual(taken, expected);
  const text = (expected?.events ?? []).map(({ json }) => `${json}\n`).join("");
  const events = expected?.events?.length ?? 0;
  for (const pool of pools) assert.ok(pool.writeCorked(number, text, "c", events) >= 0);
  if (random(20) > 0) return;
  corks.splice(corks.indexOf(number), 1);
  for (const pool of pools) pool.uncork(number);
}

function recordsOf(random: Random, round: number): PackedEvent[] {
  return Array.from({ length: random(5) }, (_, index) => ({
    handles: Array.from({ length: random(6) }, () => random(USERS + 3)),
    id: `${round.toString(36)}-${index}-${random(5)}`,
    json: jsonOf(random),
  }));
}

/** Any number of bits, so that all digits of a stamp occur. */
function stampOf(random: Random): number {
  return Math.floor((random(2 ** 31) * 2 ** 22 + random(2 ** 22)) / 2 ** random(53));
}

function othersOf(random: Random): string {
  const digits = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
  return Array.from({ length: random(222) }, () => digits[random(digits.length)]).join("");
}

const PIECES = [
  "a",
  '"',
  "\\",
  "\\u2028",
  "\\u0085",
  "\u2029",
  "ä",
  "😀",
  "\ud83d",
  "\udc00",
  "\n",
  "\u0000",
  "{",
  "}",
  ",",
  ":",
  "data",
];

function jsonOf(random: Random): string {
  const text = Array.from({ length: random(30) }, () => PIECES[random(PIECES.length)]).join("");
  const escaped = JSON.stringify(text);
  const kinds: readonly (() => string)[] = [
    () => `{"id":"x","topic":"t","time":"now","data":${escaped}}`,
    () => `{"id":"x","data":${escaped.replaceAll("\\", "\\u005c")}}`,
    () => `{"id":"x","data":[${escaped},{"data":1}]}`,
    () => `{"id":"x","data_base64":"/w=="}`,
    () => `{"id":"x","data":"${text.replace(/[\n\r]/g, "").replace(/[\ud800-\udfff]/gu, "?")}"}`,
    () => `{${text.replace(/[\n\r]/g, "").replace(/[\ud800-\udfff]/gu, "?")}}`,
  ];
  return kinds[random(kinds.length)]?.() ?? "{}";
}

/**
 * Damages a frame: truncates it, flips bits, or inserts bytes and integers. The result has a block of exactly
 * its size, so that a sanitizer detects more.
 */
function damage(frame: Buffer, random: Random): Uint8Array {
  const length = random(4) === 0 ? random(frame.length + 1) : frame.length;
  const damaged = new Uint8Array(length);
  damaged.set(frame.subarray(0, length));
  const view = new DataView(damaged.buffer);
  for (let times = random(4); times > 0 && length > 4; times -= 1) {
    const at = random(length - 4);
    const ways: readonly (() => void)[] = [
      () => view.setUint8(at, view.getUint8(at) ^ (1 << random(8))),
      () => view.setUint8(at, random(256)),
      () => view.setUint32(at, [0, 1, 0x7fff_ffff, 0xffff_ffff, length][random(5)] ?? 0, true),
    ];
    ways[random(ways.length)]?.();
  }
  return damaged;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
