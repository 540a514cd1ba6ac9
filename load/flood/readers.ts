// The readers of a flood's streams: the addon if it is built, else Node's sockets. Both open a stream on
// request, count what it receives, and report when and why it ended. The flood decides what follows.

import type { Latency } from "./latency.ts";
import type { Targets } from "./targets.ts";

export interface StreamEnd {
  readonly stream: number;
  /**
   * `error`: an errno; `status`: a status that is not 200; `broken`: not HTTP; `complete`: ended with the
   * last chunk; `cut`: ended before it.
   */
  readonly reason: "error" | "status" | "complete" | "cut" | "broken";
  /** The errno's name, or the status. */
  readonly detail: string;
  /** The delay that the server requested; 0 if it requested none. */
  readonly retryAfterMs: number;
  /** True if it had been open: status 200 had arrived. */
  readonly wasOpen: boolean;
}

export interface ReaderCounts {
  /** Streams that were begun and have received no response yet. */
  readonly opening: number;
  readonly active: number;
  /** Streams that were opened again after they had been open. */
  readonly reopened: number;
  readonly chunks: number;
  readonly bytes: number;
  /** Messages of the run. */
  readonly messages: number;
  /** Number of resyncs received. */
  readonly resyncs: number;
}

export interface ReadersOptions {
  readonly targets: Targets;
  /**
   * Source addresses. A stream uses the one at index `firstSource + stream × sourceStep`, modulo their
   * number.
   */
  readonly sources: readonly string[];
  readonly firstSource: number;
  readonly sourceStep: number;
  /** Header lines of the request, each with its line end: `Accept: text/event-stream\r\n`. */
  readonly headers: string;
  /**
   * The run whose messages are counted; with "" none is counted, and the latency of every message is
   * recorded.
   */
  readonly run: string;
  /** Called when a stream ended that was not closed here. It may be opened again, but not within the call. */
  readonly onEnd: (end: StreamEnd) => void;
}

export interface Readers {
  /** Begins to open a stream that is not open. */
  open(stream: number): void;
  counts(): ReaderCounts;
  /** Returns the latencies since the last call. */
  drainLatency(into: Latency): void;
  /** Returns a copy of the digests of all streams (digest.ts), in their order. */
  digests(): Uint32Array;
  /** Ends every stream; `onEnd` is not called for them. Idempotent. */
  close(): void;
}
