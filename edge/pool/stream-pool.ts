// The connection pool in TypeScript: it writes to streams, bounds what waits for slow readers, sends
// heartbeats, and ends streams. It writes through a driver (a detached socket on Node, a web stream
// elsewhere) and owns each sink until it reports the end of the stream. An idle stream is one small object.
// The pool has one timer for all streams, which visits a share of them every SWEEP_MS.

import { cursorOfEvent, FRAME_KIND, type Hole, readFrame, type UserId } from "../../broker/contract.ts";
import type { StreamFormat } from "../formats/format.ts";
import { Frame, type Framing, frameFor } from "../formats/frame.ts";
import { PositionedEvent } from "../formats/positioned-event.ts";
import { tickTexts } from "../formats/text.ts";
import { Backlogs } from "./backlogs.ts";
import { CLOSE_REASONS, type CloseReason, COME_BACK_MS, noCloses } from "./close-reasons.ts";
import { type Corked, Corks } from "./corks.ts";
import {
  type Buffered,
  CORK_LIMITS,
  type ConnectionPool,
  type DrainOptions,
  type OnEnd,
  type PoolCounts,
  type PoolLimits,
  type StreamSpec,
} from "./pool.ts";
import { Positions } from "./positions.ts";
import { Refresh } from "./refresh.ts";
import { CORKED, type SinkDriver, Stream } from "./stream.ts";
import { UserStreams } from "./user-streams.ts";
import { MapUserTable, type UserTable } from "./user-table.ts";

const SWEEP_MS = 250;
/** Resolution of the times at which something was written to a stream. */
const TICK_MS = 32;
const DRAIN_STEP_MS = 50;
/**
 * Fraction by which a lifetime may differ from the limit, so that streams opened together do not end
 * together.
 */
const LIFETIME_JITTER = 0.2;
const NO_BYTES = new Uint8Array(0);
const LAST_CHUNK: Uint8Array = new TextEncoder().encode("0\r\n\r\n");

export interface StreamPoolOptions<Sink> {
  readonly driver: SinkDriver<Sink>;
  readonly limits: PoolLimits;
}

export class StreamPool<Sink> implements ConnectionPool {
  readonly #driver: SinkDriver<Sink>;
  readonly #limits: PoolLimits;
  #onEnd: OnEnd = () => {};
  readonly #streams: Stream<Sink>[] = [];
  readonly #backlogs = new Backlogs<Stream<Sink>>();
  readonly #tickers = new Map<Stream<Sink>, ReturnType<typeof setInterval>>();
  /** Streams that were ended and still have bytes to read, with their deadlines. */
  readonly #ending = new Map<Stream<Sink>, number>();
  readonly #sweeper: ReturnType<typeof setInterval>;
  readonly table: UserTable = new MapUserTable();
  readonly #positions = new Positions();
  readonly #corks = new Corks<Stream<Sink>>(CORK_LIMITS);
  #refresh: Refresh | undefined;
  readonly #byUser = new UserStreams<Stream<Sink>>(this.table);
  readonly #counts: PoolCounts = {
    ...{ opened: 0, delivered: 0, chunks: 0, bytes: 0, overflows: 0 },
    closed: noCloses(),
  };
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

  get corked(): number {
    return this.#corks.size;
  }

  get bufferedBytes(): number {
    return this.#corks.bytes;
  }

  get counts(): PoolCounts {
    this.#counts.overflows = this.#corks.overflows;
    return this.#counts;
  }

  /** Every open stream, as a copy, so that the caller may end streams during an iteration. */
  protected streams(): Stream<Sink>[] {
    return this.#streams.slice();
  }

  onEnd(listener: OnEnd): void {
    this.#onEnd = listener;
  }

  /**
   * Takes over a sink: writes `preamble` (the response's head, if the pool must write it) and the opening,
   * and keeps the sink. A corked stream is sent nothing yet. While the pool drains, the stream is ended at
   * once.
   */
  open(sink: Sink, spec: StreamSpec, framing: Framing, preamble: Uint8Array = NO_BYTES): Stream<Sink> {
    const { cork } = spec;
    const position = cork === undefined ? this.#positions.find(spec.cursor) : CORKED;
    const stream = new Stream(sink, spec, framing, this.#ageAt(performance.now()), position);
    stream.index = this.#streams.length;
    this.#streams.push(stream);
    for (const user of spec.users) this.#byUser.add(user, stream);
    this.#counts.opened += 1;
    if (cork === undefined) {
      this.#write(stream, join(preamble, new Frame(spec.opening).framed(framing)));
    } else {
      this.#corks.add(stream, cork, preamble, spec.cursor);
      queueMicrotask(() => cork.onHeld());
    }
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

  deliverFrame(frame: Uint8Array, stamp: number, others: string): number {
    let delivered = 0;
    let records = 0;
    const whole = readFrame(frame, FRAME_KIND.frame, ({ id, json, recipients, handleAt }) => {
      const event = new PositionedEvent(id, json, cursorOfEvent(stamp + records, others, id));
      records += 1;
      for (let index = 0; index < recipients; index += 1)
        delivered += this.deliver(handleAt(index), event) ?? 0;
    });
    return whole ? delivered : -1;
  }

  resync(hole: Hole, cursor: string): void {
    const position = this.#positions.note(cursor);
    const frames = new Map<StreamFormat, Frame>();
    for (const stream of this.#streams.slice()) {
      if (stream.position === CORKED) continue;
      const frame = frames.get(stream.format) ?? new Frame(stream.format.resync(hole, cursor));
      frames.set(stream.format, frame);
      stream.position = position;
      this.#write(stream, frame.framed(stream.framing));
    }
  }

  refresh(cursor: string): void {
    if (cursor !== "") this.#refresh = new Refresh(cursor, this.#positions.note(cursor));
  }

  takeBuffered(cork: number): Buffered | undefined {
    const corked = this.#corks.numbered(cork);
    return corked && this.#corks.take(corked);
  }

  writeCorked(cork: number, text: string, cursor: string, events: number): number {
    const corked = this.#corks.numbered(cork);
    if (corked === undefined) return -1;
    const { stream } = corked;
    corked.cursor = cursor;
    stream.messages += events;
    if (!this.#writeAfterHead(corked, new Frame(text).framed(stream.framing))) return -1;
    this.#counts.delivered += events;
    return this.#driver.pending(stream.sink);
  }

  waitingCorked(cork: number): number {
    const corked = this.#corks.numbered(cork);
    return corked === undefined ? -1 : this.#driver.pending(corked.stream.sink);
  }

  uncork(cork: number): void {
    const corked = this.#corks.numbered(cork);
    if (corked === undefined || !this.#writeAfterHead(corked, NO_BYTES)) return;
    const { stream, cursor } = corked;
    this.#corks.remove(stream);
    stream.position = cursor === "" ? this.#positions.newest : this.#positions.find(cursor);
  }

  endCorked(cork: number, reason: CloseReason): void {
    const corked = this.#corks.numbered(cork);
    if (corked !== undefined) this.#finish(corked.stream, reason);
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
    if (stream.position === CORKED) return this.#corks.buffer(stream, event) ? 1 : 0;
    stream.position = position;
    const frame = frameFor(event.frame(stream.format), () => {
      stream.messages += 1;
      return stream.messages;
    });
    if (!this.#write(stream, frame.framed(stream.framing))) return 0;
    this.#counts.delivered += 1;
    return 1;
  }

  /** Writes to a corked stream, after the head if that is still held. Returns false like `#write`. */
  #writeAfterHead(corked: Corked<Stream<Sink>>, bytes: Uint8Array): boolean {
    const all = join(this.#corks.takeHead(corked), bytes);
    return all.length === 0 ? !this.#isGone(corked.stream) : this.#write(corked.stream, all);
  }

  /** Returns false if the stream has gone, or was cut because too many bytes waited. */
  #write(stream: Stream<Sink>, bytes: Uint8Array): boolean {
    if (this.#isGone(stream)) return false;
    this.#driver.write(stream.sink, bytes);
    const nowMs = performance.now();
    stream.writtenAt = Math.floor(nowMs / TICK_MS);
    this.#counts.chunks += 1;
    this.#counts.bytes += bytes.length;
    if (this.#isGone(stream)) return false; // the write itself may reveal that the reader is gone
    return this.#keepBounds(stream, bytes.length, nowMs);
  }

  #isGone(stream: Stream<Sink>): boolean {
    return stream.index === -1;
  }

  /** Returns false if the stream was cut to keep the waiting bytes within their bounds. */
  #keepBounds(stream: Stream<Sink>, written: number, nowMs: number): boolean {
    const pending = this.#driver.pending(stream.sink);
    this.#backlogs.note(stream, pending, written, nowMs);
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
    const corked = this.#corks.of(stream);
    const cursor = corked?.cursor ?? this.#positions.cursorOf(stream.position);
    const text = stream.format.goodbye(reason, retryMs, cursor === "" ? undefined : cursor);
    const words = new Frame(text).framed(stream.framing);
    const last = stream.framing === "chunked" ? join(words, LAST_CHUNK) : words;
    const head = corked === undefined ? NO_BYTES : this.#corks.takeHead(corked);
    if (!this.#write(stream, join(head, last))) return;
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
    this.#corks.remove(stream);
    clearInterval(this.#tickers.get(stream));
    this.#tickers.delete(stream);
    this.#counts.closed[reason] += 1;
    const { users } = stream;
    for (const user of users) this.#byUser.remove(user, stream);
    this.#onEnd(users, reason);
  }

  #startTicking(stream: Stream<Sink>, tickMs: number, users: readonly UserId[]): void {
    const [before, after] = tickTexts(users);
    let count = 0;
    const ticker = setInterval(() => {
      if (stream.position === CORKED) return;
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
    const writtenAtMs = stream.writtenAt * TICK_MS;
    // every stream is visited once per `heartbeatMs`, so this is at most one and a half times that late
    if (stream.position === CORKED || nowMs - writtenAtMs < this.#limits.heartbeatMs / 2) return;
    this.#write(stream, this.#signOfLife(stream, nowMs, writtenAtMs).framed(stream.framing));
  }

  /**
   * Returns a heartbeat or, once per `refreshMs`, the cursor, unless a newer one was written to the stream.
   */
  #signOfLife(stream: Stream<Sink>, nowMs: number, writtenAtMs: number): Frame {
    const refresh = this.#refresh;
    const { refreshMs } = this.#limits;
    // both times in whole ticks, or a write right after the beginning of a period would seem to precede it
    const tickMs = Math.floor(nowMs / TICK_MS) * TICK_MS;
    const isSamePeriod = Math.floor(tickMs / refreshMs) === Math.floor(writtenAtMs / refreshMs);
    if (refresh === undefined || isSamePeriod || stream.position >= refresh.position)
      return stream.format.heartbeat;
    stream.position = refresh.position;
    return refresh.frame(stream.format);
  }
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
