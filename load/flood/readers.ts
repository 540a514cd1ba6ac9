// Who reads a flood's streams: the addon where it is built, else sockets of Node. Both open a stream when told, count
// what comes on it, and say when and why it ended; what to do about that is the flood's matter.

import type { Latency } from "./latency.ts";
import type { Targets } from "./targets.ts";

export interface StreamEnd {
  readonly stream: number;
  /** `error`: an errno's name; `status`: one that is not 200; `broken`: no HTTP; `complete`: its last chunk; `cut`: none. */
  readonly reason: "error" | "status" | "complete" | "cut" | "broken";
  /** The errno's name, or the status. */
  readonly detail: string;
  /** What the server asked for; 0 where it did not. */
  readonly retryAfterMs: number;
  /** It had been open: status 200 had come. */
  readonly wasOpen: boolean;
}

export interface ReaderCounts {
  /** Begun, and no answer yet. */
  readonly opening: number;
  readonly active: number;
  /** Opened again after they had been open. */
  readonly reopened: number;
  readonly chunks: number;
  readonly bytes: number;
  /** Messages of the run. */
  readonly messages: number;
  /** Times that a stream said it may have missed something. */
  readonly resyncs: number;
}

export interface ReadersOptions {
  readonly targets: Targets;
  /** Addresses to connect from; a stream's is `(firstSource + stream × sourceStep)`th in turn. */
  readonly sources: readonly string[];
  readonly firstSource: number;
  readonly sourceStep: number;
  /** Lines of the request behind its first, each with its line end: `Accept: text/event-stream\r\n`. */
  readonly headers: string;
  /** Only this run's messages count; "" counts none, and notes every message's latency. */
  readonly run: string;
  /** A stream ended by itself. It may be opened again, but not from within the call. */
  readonly onEnd: (end: StreamEnd) => void;
}

export interface Readers {
  /** Begins a stream that is not open. */
  open(stream: number): void;
  counts(): ReaderCounts;
  /** How long messages took, since the last call. */
  drainLatency(into: Latency): void;
  /** Digests of all streams (digest.ts), in their order. A copy. */
  digests(): Uint32Array;
  /** Ends every stream; `onEnd` is not called for them. Idempotent. */
  close(): void;
}
