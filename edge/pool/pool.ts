// The contract of a connection pool, which holds open responses and writes to them. Every implementation
// (over detached sockets, over web streams, and the native one) passes the suite in conformance/.

import type { Hole, UserId } from "../../broker/contract.ts";
import type { StreamFormat } from "../formats/format.ts";
import type { PositionedEvent } from "../formats/positioned-event.ts";
import type { CloseReason } from "./close-reasons.ts";
import type { UserTable } from "./user-table.ts";

/** The properties of a stream, which its request determines. */
export interface StreamSpec {
  /** The users whose events the stream receives: 1 to 16. */
  readonly users: readonly UserId[];
  readonly format: StreamFormat;
  /** Its first bytes; empty for a corked stream. */
  readonly opening: string;
  /**
   * The last cursor in the opening or, if the format has none, the position at which the stream begins. For a
   * corked stream the cursor that its reader presented, or "".
   */
  readonly cursor: string;
  /** Given if the stream begins corked. */
  readonly cork?: Cork | undefined;
  /** Interval of the article's sign of life, in milliseconds; for the text format only. */
  readonly tickMs?: number | undefined;
  /**
   * When the stream's token expires, in milliseconds since 1970. Only the wall clock counts: after it is set,
   * streams whose tokens have expired by the new time end within one heartbeat, and all others stay open.
   */
  readonly expiresAtMs?: number | undefined;
}

/**
 * A stream begins corked while it is not yet certain which events its reader needs. The pool holds the
 * response's head and buffers the events for the stream, until the edge has written what the reader missed
 * and uncorks it. Heartbeats, ticks, refreshes and resyncs are not written to it. A goodbye is, after the
 * head, with the presented cursor or the last one that the edge has written: never a newer one.
 */
export interface Cork {
  /** Identifies the stream in calls about it; unique among corked streams of the pool, below 2^32. */
  readonly number: number;
  /**
   * Called once, in a microtask after the pool began to hold the stream: never before `hold` has returned,
   * and also if the stream has ended by then. Not called for a stream that was abandoned. Must not throw.
   */
  onHeld(): void;
}

/** What a corked stream buffered. */
export interface Buffered {
  /** Events for the stream in order, with the cursors that live streams were given. */
  readonly events: readonly PositionedEvent[];
  /**
   * Whether events were discarded since the last call because the buffer was full; `events` is empty then.
   * The edge replays them instead.
   */
  readonly overflowed: boolean;
}

/** Maximum length of a text that is written to a corked stream at once, unless it is a single event. */
export const MAX_CORKED_WRITE = 65_536;

/**
 * Bounds of the buffers of corked streams: per stream, and in total. Bytes are those of ids, JSON and cursors
 * (characters in the TypeScript pools). An event counts in the buffer of each stream, but only once in total.
 */
export const CORK_LIMITS = { events: 1_024, bytes: 524_288, totalBytes: 67_108_864 } as const;

export interface PoolLimits {
  /** A reader is cut if more bytes than this wait for it. Must be at least the size of the largest frame. */
  readonly maxQueueBytes: number;
  /** Maximum number of bytes that wait for all readers together. */
  readonly maxQueuedBytes: number;
  /** A reader is cut if it takes none of its waiting bytes for this long. */
  readonly stalledMs: number;
  /** A quiet stream gets a heartbeat after at most twice this time. */
  readonly heartbeatMs: number;
  /** A quiet stream is sent its present cursor about once per this time. */
  readonly refreshMs: number;
  /** How long the reader of an ended stream may take to read the last bytes. */
  readonly endMs: number;
  /**
   * Lifetime of a stream, varied by up to a fifth, after which its reader must reconnect; 0 for unlimited.
   */
  readonly maxLifetimeMs: number;
}

/** Heartbeats are at most 24 s apart, because common proxies give up after 30 s. */
export const DEFAULT_LIMITS: PoolLimits = {
  maxQueueBytes: 524_288,
  maxQueuedBytes: 268_435_456,
  stalledMs: 30_000,
  heartbeatMs: 12_000,
  refreshMs: 60_000,
  endMs: 5_000,
  maxLifetimeMs: 0,
};

export interface PoolCounts {
  /** Streams opened since the start. */
  opened: number;
  /** Events written to connections. */
  delivered: number;
  /** Everything written, including heartbeats and goodbyes. */
  chunks: number;
  bytes: number;
  /** Buffers of corked streams that were discarded because they were full. */
  overflows: number;
  closed: Record<CloseReason, number>;
}

export interface DrainOptions {
  /** Streams ended per second. Those that remain after `deadlineMs` are ended at once. */
  readonly perSecond: number;
  readonly deadlineMs: number;
}

/** Called for a stream that ended, with the stream's users. */
export type OnEnd = (users: readonly UserId[], reason: CloseReason) => void;

export interface ConnectionPool {
  /** Number of open streams. */
  readonly size: number;
  /** Users with at least one open stream. */
  readonly users: number;
  /** Bytes that wait for slow readers. */
  readonly queuedBytes: number;
  /** Number of corked streams. */
  readonly corked: number;
  /** Bytes that are buffered for corked streams. */
  readonly bufferedBytes: number;
  readonly counts: PoolCounts;
  /**
   * The handles of users. The fan-out acquires a handle for each user before the user's first stream is held,
   * and releases it after the last one has ended. The pool acquires handles for users without one, and never
   * releases any.
   */
  readonly table: UserTable;
  /**
   * Sets the listener that is called once for every stream that ended, for whatever reason. It is set before
   * the first stream is held.
   */
  onEnd(listener: OnEnd): void;
  /**
   * Writes an event to every stream of the user with this handle, in the order of the calls, or buffers it
   * for a corked one. A stream of several users receives each event once. Never blocks and never throws; a
   * reader that cannot take the event is cut and counted.
   * @returns the number of streams that took it; undefined if the handle has no open stream
   */
  deliver(handle: number, event: PositionedEvent): number | undefined;
  /**
   * Writes many events at once: a packed frame (broker/frame.ts) names the recipients of each by handle.
   * Handles without an open stream are skipped. The cursor of the n-th event, from 0, is
   * `cursorOfEvent(stamp + n, others, id)`. Returns the number of streams that took events, or -1 if the
   * frame is malformed; events before the fault are delivered.
   */
  deliverFrame(frame: Uint8Array, stamp: number, others: string): number;
  /**
   * Writes a `resync` to every stream that is not corked, with a cursor that moves its reader past the events
   * that may be missing.
   */
  resync(hole: Hole, cursor: string): void;
  /**
   * Sets the cursor that quiet streams are sent in place of the first heartbeat of each `refreshMs`. A stream
   * to which a cursor was written since then is skipped, because it may be newer. The cursor must be the
   * edge's present position.
   */
  refresh(cursor: string): void;
  /** Takes what a corked stream has buffered since the last call; undefined if the stream has ended. */
  takeBuffered(cork: number): Buffered | undefined;
  /**
   * Writes text to a corked stream, after the response's head if that is still held. `cursor` is the last one
   * that the stream has received with this text; if the stream ends while it is corked, its goodbye repeats
   * it. `events` is the number of events in the text. If the format numbers its messages, the caller numbers
   * those of all its texts from 1, and the pool continues after them. Returns the number of bytes that now
   * wait for its reader, or -1 if the stream has ended. The bounds for slow readers apply, so the caller
   * writes at most MAX_CORKED_WRITE bytes while nothing waits.
   */
  writeCorked(cork: number, text: string, cursor: string, events: number): number;
  /** Returns the number of bytes that wait for a corked stream's reader, or -1 if the stream has ended. */
  waitingCorked(cork: number): number;
  /**
   * Makes a corked stream an ordinary one. What it has buffered and was not taken is discarded. The cursor
   * that was written to it last must be the edge's present position: when many others have followed, the pool
   * may use it as a position that every quiet stream has reached.
   */
  uncork(cork: number): void;
  /** Ends a corked stream with a goodbye, as a drain, an expired token and the end of its lifetime do. */
  endCorked(cork: number, reason: CloseReason): void;
  /**
   * Accepts no more streams and ends all at a bounded rate, each with a goodbye and a time after which to
   * reconnect.
   */
  drain(options: DrainOptions): Promise<void>;
}
