// The connection pool's contract: it holds open responses and writes to them. Every implementation (streams over a
// detached socket, over web streams, and the native one) passes the suite in conformance/.

import type { UserId } from "../../broker/contract.ts";
import type { StreamFormat } from "../formats/format.ts";
import type { PositionedEvent } from "../formats/positioned-event.ts";
import type { CloseReason } from "./close-reasons.ts";
import type { UserTable } from "./user-table.ts";

/** What a stream is, decided when its request was answered. */
export interface StreamSpec {
  /** Whose events it receives: 1–16 users. */
  readonly users: readonly UserId[];
  readonly format: StreamFormat;
  /** Its first bytes. */
  readonly opening: string;
  /** The last cursor in them; where the format has none, that of the stream's beginning. */
  readonly cursor: string;
  /** The article's sign of life every so many milliseconds; text format only. */
  readonly tickMs?: number | undefined;
  /**
   * When its token runs out, in milliseconds since 1970. The wall clock alone decides: after it was set, streams whose
   * tokens have run out by the new time end within one heartbeat, and the others stay open until theirs do.
   */
  readonly expiresAtMs?: number | undefined;
}

export interface PoolLimits {
  /** A reader for whom more waits is cut. Must hold the largest frame. */
  readonly maxQueueBytes: number;
  /** All readers together. */
  readonly maxQueuedBytes: number;
  /** A reader who takes nothing of what waits for so long is cut. */
  readonly stalledMs: number;
  /** A quiet stream gets a heartbeat at the latest after twice this. */
  readonly heartbeatMs: number;
  /** How long a stream that we ended may take to read its last bytes. */
  readonly endMs: number;
  /** After so long, give or take a fifth, a stream is ended and comes back elsewhere; 0 for never. */
  readonly maxLifetimeMs: number;
}

/** Heartbeats come at most 24 s apart: common proxies give up after 30. */
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
  /** Events handed to connections. */
  delivered: number;
  /** Everything written, heartbeats and last words included. */
  chunks: number;
  bytes: number;
  closed: Record<CloseReason, number>;
}

export interface DrainOptions {
  /** Streams ended a second; what is left after `deadlineMs` goes at once. */
  readonly perSecond: number;
  readonly deadlineMs: number;
}

export interface ConnectionPool {
  /** Open streams. */
  readonly size: number;
  /** Users with at least one open stream. */
  readonly users: number;
  /** Bytes that wait for slow readers. */
  readonly queuedBytes: number;
  readonly counts: PoolCounts;
  /**
   * The handles of users. Whoever fans out lends one to each user before its first stream is held, and takes it back
   * after the last ended; to a user without, the pool lends one itself, and takes none back.
   */
  readonly table: UserTable;
  /**
   * Sets who is told of ends: once for every stream that ended, whoever ended it, with its users. Set by whoever fans
   * out, before the first stream is held.
   */
  onEnd(listener: (users: readonly UserId[]) => void): void;
  /**
   * Hands an event to every stream of the user who has this handle, in the order of the calls. A stream of several
   * users gets one event once. Never blocks and never throws: a reader who cannot take it is cut and counted.
   * @returns how many streams took it; undefined where the handle has no open stream
   */
  deliver(handle: number, event: PositionedEvent): number | undefined;
  /**
   * Hands out many events at once: a packed frame (broker/frame.ts) names recipients by their handles. Those without
   * an open stream are skipped. The cursor of an event is `cursorPrefix` and its id, "-" as ".". Answers to how many
   * streams it was handed, -1 where the frame is malformed (what is well-formed before that is delivered).
   */
  deliverFrame(frame: Uint8Array, cursorPrefix: string): number;
  /** Writes `resync` to every stream, with the cursor that moves its reader past what may be missing. */
  resync(reason: string, cursor: string): void;
  /** Takes no stream any more and ends all at a bounded pace, each with its last words and a time to come back. */
  drain(options: DrainOptions): Promise<void>;
}
