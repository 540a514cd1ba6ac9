// The connection pool in TypeScript: it writes to streams, bounds what waits for slow readers, sends
// heartbeats, and ends streams. It writes through a driver (a detached socket on Node, a web stream
// elsewhere) and owns each sink until it reports the end of the stream. An idle stream is one small object.
// The pool has one timer for all streams, which visits a share of them every SWEEP_MS.

import { cursorOfEvent, FRAME_KIND, readFrame, type UserId } from "../../broker/contract.ts";
import type { StreamFormat } from "../formats/format.ts";
import { Frame, type Framing, frameFor } from "../formats/frame.ts";
import { PositionedEvent } from "../formats/positioned-event.ts";
import { tickTexts } from "../formats/text.ts";
import { Backlogs } from "./backlogs.ts";
import { CLOSE_REASONS, type CloseReason, COME_BACK_MS } from "./close-reasons.ts";
import type { ConnectionPool, DrainOptions, PoolCounts, PoolLimits, StreamSpec } from "./pool.ts";
import { Positions } from "./positions.ts";
import { type SinkDriver, Stream } from "./stream.ts";
import { UserStreams } from "./user-streams.ts";
import { MapUserTable, type UserTable } from "./user-table.ts";

const SWEEP_MS = 250;
const DRAIN_STEP_MS = 50;
/**
 * Fraction by which a lifetime may differ from the limit, so that streams opened together do not end
 * together.
 */
const LIFETIME_JITTER = 0.2;
const LAST_CHUNK: Uint8Array = new TextEncoder().encode("0\r\n\r\n");

export interface StreamPoolOptions<Sink> {
  readonly driver: SinkDriver<Sink>;
  readonly limits: PoolLimits;
}

export class StreamPool<Sink> implements ConnectionPool {
  readonly #driver: SinkDriver<Sink>;
  readonly #limits: PoolLimits;
  #onEnd: (users: readonly UserId[]) => void = () => {};
  readonly #streams: Stream<Sink>[] = [];
  readonly #backlogs = new Backlogs<Stream<Sink>>();
  readonly #tickers = new Map<Stream<Sink>, ReturnType<typeof setInterval>>();
  /** Streams that were ended and still have bytes to read, with their deadlines. */
  readonly #ending = new Map<Stream<Sink>, number>();
  readonly #sweeper: ReturnType<typeof setInterval>;
  readonly table: UserTable = new MapUserTable();
  readonly #positions = new Positions();
  readonly #byUser = new UserStreams<Stream<Sink>>(this.table);
  readonly counts: PoolCounts = { opened: 0, delivered: 0, chunks: 0, bytes: 0, closed: zeroes() };
  /** The sweep proceeds from the end of the list: a removal moves only streams that were already visited. */
  #nextVisit = -1;
  /**
   * Number of visits due, including fractions: every stream is visited once per `heartbeatMs`, however few
   * there are.
   */
  #visitsDue = 0;
  #draining = false;

  constructor({ driver, limits }: StreamPoolOptions<Sink>) {
    this.#driver = driver;
    this.#limits = limits;
    this.#sweeper = setInterval(() => this.#sweep(performance.now()), SWEEP_MS);
    unref(this.#sweeper);
  }

  get size(): number {
    return this.#streams.length;
  }

  get users(): number {
    return this.#byUser.users;
  }

  get queuedBytes(): number {
    return this.#backlogs.bytes;
  }

  /** Every open stream, as a copy, so that the caller may end streams during an iteration. */
  protected streams(): Stream<Sink>[] {
    return this.#streams.slice();
  }

  onEnd(listener: (users: readonly UserId[]) => void): void {
    this.#onEnd = listener;
  }

  /**
   * Takes over a sink: writes `preamble` (the response's head, if the pool must write it) and the opening,
   * and keeps the sink. While the pool drains, the stream is ended at once.
   */
  open(
    sink: Sink,
    spec: StreamSpec,
    framing: Framing,
    preamble: Uint8Array = new Uint8Array(0),
  ): Stream<Sink> {
    const position = this.#positions.find(spec.cursor);
    const stream = new Stream(sink, spec, framing, this.#ageAt(performance.now()), position);
    stream.index = this.#streams.length;
    this.#streams.push(stream);
    for (const user of spec.users) this.#byUser.add(user, stream);
    this.counts.opened += 1;
    const opening = new Frame(spec.opening).framed(framing);
    this.#write(stream, join(preamble, opening));
    if (spec.tickMs !== undefined) this.#startTicking(stream, spec.tickMs, spec.users);
    if (this.#draining) this.#finish(stream, "drain");
    return stream;
  }

  deliver(handle: number, event: PositionedEvent): number | undefined {
    const position = this.#positions.note(event.cursor);
    const there = this.#byUser.at(handle);
    if (there === undefined) return undefined;
    if (!Array.isArray(there)) return this.#hand(there, event, position);
    let delivered = 0;
    // a copy, because cutting a stream removes it
    for (const stream of there.slice()) delivered += this.#hand(stream, event, position);
    return delivered;
  }

  deliverFrame(frame: Uint8Array, cursorPrefix: string): number {
    let delivered = 0;
    const whole = readFrame(frame, FRAME_KIND.frame, ({ id, json, recipients, handleAt }) => {
      const event = new PositionedEvent(id, json, cursorOfEvent(cursorPrefix, id));
      for (let index = 0; index < recipients; index += 1)
        delivered += this.deliver(handleAt(index), event) ?? 0;
    });
    return whole ? delivered : -1;
  }

  resync(reason: string, cursor: string): void {
    const position = this.#positions.note(cursor);
    const frames = new Map<StreamFormat, Frame>();
    for (const stream of this.#streams.slice()) {
      const frame = frames.get(stream.format) ?? new Frame(stream.format.resync(reason, cursor));
      frames.set(stream.format, frame);
      stream.position = position;
      this.#write(stream, frame.framed(stream.framing));
    }
  }

  async drain({ perSecond, deadlineMs }: DrainOptions): Promise<void> {
    this.#draining = true;
    const deadline = performance.now() + deadlineMs;
    while (this.#streams.length > 0) {
      const share =
        performance.now() < deadline ? Math.ceil((perSecond * DRAIN_STEP_MS) / 1000) : this.#streams.length;
      for (const stream of this.#streams.slice(-share)) this.#finish(stream, "drain");
      await wait(DRAIN_STEP_MS);
    }
    while (this.#ending.size > 0) await wait(DRAIN_STEP_MS);
    clearInterval(this.#sweeper);
  }

  /** For drivers: the reader has taken all waiting bytes. */
  drained(stream: Stream<Sink>): void {
    this.#backlogs.forget(stream);
  }

  /** For drivers: the sink is closed or broken. Has no effect after the pool has ended the stream. */
  closed(stream: Stream<Sink>, reason: "peer" | "error"): void {
    this.#ending.delete(stream);
    this.#remove(stream, reason);
  }

  #hand(stream: Stream<Sink>, event: PositionedEvent, position: number): number {
    if (stream.recent !== undefined && !stream.recent.add(event.id)) return 0;
    stream.position = position;
    const frame = frameFor(event.frame(stream.format), () => {
      stream.messages += 1;
      return stream.messages;
    });
    if (!this.#write(stream, frame.framed(stream.framing))) return 0;
    this.counts.delivered += 1;
    return 1;
  }

  /** Returns false if the stream has gone, or was cut because too many bytes waited. */
  #write(stream: Stream<Sink>, bytes: Uint8Array): boolean {
    if (this.#isGone(stream)) return false;
    this.#driver.write(stream.sink, bytes);
    stream.idle = false;
    this.counts.chunks += 1;
    this.counts.bytes += bytes.length;
    if (this.#isGone(stream)) return false; // the write itself may reveal that the reader is gone
    return this.#keepBounds(stream, this.#driver.pending(stream.sink), bytes.length);
  }

  #isGone(stream: Stream<Sink>): boolean {
    return stream.index === -1;
  }

  /** Returns false if the stream was cut to keep the waiting bytes within their bounds. */
  #keepBounds(stream: Stream<Sink>, pending: number, written: number): boolean {
    this.#backlogs.note(stream, pending, written, performance.now());
    if (pending > this.#limits.maxQueueBytes) this.#cut(stream, "slow");
    while (this.#backlogs.bytes > this.#limits.maxQueuedBytes) {
      const longest = this.#backlogs.longest();
      if (longest === undefined) break;
      this.#cut(longest, "overload");
    }
    return !this.#isGone(stream);
  }

  /** Ends a stream with a goodbye. The sink closes when its bytes are read, or after `endMs`. */
  #finish(stream: Stream<Sink>, reason: CloseReason): void {
    if (this.#isGone(stream)) return;
    const back = CLOSE_REASONS[reason].reconnect;
    const retryMs = back ? COME_BACK_MS.min + Math.floor(Math.random() * COME_BACK_MS.spread) : undefined;
    const cursor = this.#positions.cursorOf(stream.position);
    const words = new Frame(stream.format.goodbye(reason, retryMs, cursor)).framed(stream.framing);
    if (!this.#write(stream, stream.framing === "chunked" ? join(words, LAST_CHUNK) : words)) return;
    this.#remove(stream, reason);
    if (this.#driver.end(stream.sink)) this.#ending.set(stream, performance.now() + this.#limits.endMs);
  }

  #cut(stream: Stream<Sink>, reason: CloseReason): void {
    this.#remove(stream, reason);
    this.#driver.cut(stream.sink);
  }

  #remove(stream: Stream<Sink>, reason: CloseReason): void {
    if (this.#isGone(stream)) return;
    const last = this.#streams.pop() as Stream<Sink>;
    if (last !== stream) {
      this.#streams[stream.index] = last;
      last.index = stream.index;
    }
    stream.index = -1;
    this.#backlogs.forget(stream);
    clearInterval(this.#tickers.get(stream));
    this.#tickers.delete(stream);
    this.counts.closed[reason] += 1;
    const { users } = stream;
    for (const user of users) this.#byUser.remove(user, stream);
    this.#onEnd(users);
  }

  #startTicking(stream: Stream<Sink>, tickMs: number, users: readonly UserId[]): void {
    const [before, after] = tickTexts(users);
    let count = 0;
    const ticker = setInterval(() => {
      count += 1;
      this.#write(stream, new Frame(`${before}${count}${after}`).framed(stream.framing));
    }, tickMs);
    unref(ticker);
    this.#tickers.set(stream, ticker);
  }

  #ageAt(nowMs: number): number {
    const { maxLifetimeMs } = this.#limits;
    if (maxLifetimeMs === 0) return Number.POSITIVE_INFINITY;
    return nowMs + maxLifetimeMs * (1 - LIFETIME_JITTER + 2 * LIFETIME_JITTER * Math.random());
  }

  #sweep(nowMs: number): void {
    for (const [stream, untilMs] of this.#ending) {
      if (nowMs < untilMs) continue;
      this.#ending.delete(stream);
      this.#driver.cut(stream.sink);
    }
    this.#sweepBacklogs(nowMs);
    this.#visitsDue += (this.#streams.length * SWEEP_MS) / this.#limits.heartbeatMs;
    for (; this.#visitsDue >= 1; this.#visitsDue -= 1) {
      if (this.#nextVisit < 0 || this.#nextVisit >= this.#streams.length)
        this.#nextVisit = this.#streams.length - 1;
      const stream = this.#streams[this.#nextVisit];
      this.#nextVisit -= 1;
      if (stream !== undefined) this.#visit(stream, nowMs);
    }
  }

  #sweepBacklogs(nowMs: number): void {
    for (const stream of this.#backlogs.streams()) {
      this.#backlogs.note(stream, this.#driver.pending(stream.sink), 0, nowMs);
      if (this.#backlogs.stalledMs(stream, nowMs) > this.#limits.stalledMs) this.#cut(stream, "stalled");
    }
  }

  #visit(stream: Stream<Sink>, nowMs: number): void {
    if (!(Date.now() < stream.expiresAtMs)) return this.#finish(stream, "expired");
    if (nowMs >= stream.agesAtMs) return this.#finish(stream, "aged");
    if (stream.idle) this.#write(stream, stream.format.heartbeat.framed(stream.framing));
    stream.idle = true;
  }
}

function zeroes(): Record<CloseReason, number> {
  const counts = {} as Record<CloseReason, number>;
  for (const reason of Object.keys(CLOSE_REASONS)) counts[reason as CloseReason] = 0;
  return counts;
}

function join(left: Uint8Array, right: Uint8Array): Uint8Array {
  if (left.length === 0) return right;
  const both = new Uint8Array(left.length + right.length);
  both.set(left);
  both.set(right, left.length);
  return both;
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Keeps a timer from keeping the process alive. Only Node's timers can. */
function unref(timer: ReturnType<typeof setInterval>): void {
  (timer as { unref?(): unknown }).unref?.();
}
