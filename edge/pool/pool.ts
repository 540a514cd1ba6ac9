// The contract of a connection pool, which holds open responses and writes to them. Every implementation
// (over detached sockets, over web streams, and the native one) passes the suite in conformance/.

import type { UserId } from "../../broker/contract.ts";
import type { StreamFormat } from "../formats/format.ts";
import type { PositionedEvent } from "../formats/positioned-event.ts";
import type { CloseReason } from "./close-reasons.ts";
import type { UserTable } from "./user-table.ts";

/** The properties of a stream, which its request determines. */
export interface StreamSpec {
  /** The users whose events the stream receives: 1 to 16. */
  readonly users: readonly UserId[];
  readonly format: StreamFormat;
  /** Its first bytes. */
  readonly opening: string;
  /** The last cursor in the opening or, if the format has none, the position at which the stream begins. */
  readonly cursor: string;
  /** Interval of the article's sign of life, in milliseconds; for the text format only. */
  readonly tickMs?: number | undefined;
  /**
   * When the stream's token expires, in milliseconds since 1970. Only the wall clock counts: after it is set,
   * streams whose tokens have expired by the new time end within one heartbeat, and all others stay open.
   */
  readonly expiresAtMs?: number | undefined;
}

export interface PoolLimits {
  /** A reader is cut if more bytes than this wait for it. Must be at least the size of the largest frame. */
  readonly maxQueueBytes: number;
  /** Maximum number of bytes that wait for all readers together. */
  readonly maxQueuedBytes: number;
  /** A reader is cut if it takes none of its waiting bytes for this long. */
  readonly stalledMs: number;
  /** A quiet stream gets a heartbeat after at most twice this time. */
  readonly heartbeatMs: number;
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
  closed: Record<CloseReason, number>;
}

export interface DrainOptions {
  /** Streams ended per second. Those that remain after `deadlineMs` are ended at once. */
  readonly perSecond: number;
  readonly deadlineMs: number;
}

export interface ConnectionPool {
  /** Number of open streams. */
  readonly size: number;
  /** Users with at least one open stream. */
  readonly users: number;
  /** Bytes that wait for slow readers. */
  readonly queuedBytes: number;
  readonly counts: PoolCounts;
  /**
   * The handles of users. The fan-out acquires a handle for each user before the user's first stream is held,
   * and releases it after the last one has ended. The pool acquires handles for users without one, and never
   * releases any.
   */
  readonly table: UserTable;
  /**
   * Sets the listener that is called once for every stream that ended, for whatever reason, with the stream's
   * users. The fan-out sets it before the first stream is held.
   */
  onEnd(listener: (users: readonly UserId[]) => void): void;
  /**
   * Writes an event to every stream of the user with this handle, in the order of the calls. A stream of
   * several users receives each event once. Never blocks and never throws; a reader that cannot take the
   * event is cut and counted.
   * @returns the number of streams that took it; undefined if the handle has no open stream
   */
  deliver(handle: number, event: PositionedEvent): number | undefined;
  /**
   * Writes many events at once: a packed frame (broker/frame.ts) names the recipients of each by handle.
   * Handles without an open stream are skipped. The cursor of an event is `cursorPrefix` followed by its id,
   * with "." for "-". Returns the number of streams that took events, or -1 if the frame is malformed; events
   * before the fault are delivered.
   */
  deliverFrame(frame: Uint8Array, cursorPrefix: string): number;
  /**
   * Writes a `resync` to every stream, with a cursor that moves its reader past the events that may be
   * missing.
   */
  resync(reason: string, cursor: string): void;
  /**
   * Accepts no more streams and ends all at a bounded rate, each with a goodbye and a time after which to
   * reconnect.
   */
  drain(options: DrainOptions): Promise<void>;
}
