// The pool over web streams, for any Hono runtime, since only Node provides sockets. The bytes that wait for
// a reader are those that the runtime has not pulled from the stream.

import type { PoolLimits, StreamSpec } from "../pool.ts";
import type { SinkDriver, Stream } from "../stream.ts";
import { StreamPool } from "../stream-pool.ts";

/** Bytes that the runtime may buffer ahead of the reader. */
const AHEAD_BYTES = 16_384;

interface WebSink {
  /** Called when the first bytes are written, or the stream ends without any. */
  onBegun: () => void;
  controller: ReadableStreamDefaultController<Uint8Array> | undefined;
}

const driver: SinkDriver<WebSink> = {
  write({ controller, onBegun }, bytes) {
    controller?.enqueue(bytes);
    onBegun();
  },
  pending: ({ controller }) => Math.max(0, AHEAD_BYTES - (controller?.desiredSize ?? AHEAD_BYTES)),
  end(sink) {
    sink.controller?.close();
    sink.controller = undefined;
    return false;
  },
  cut(sink) {
    sink.controller?.error(new Error("the reader was too slow"));
    sink.controller = undefined;
    sink.onBegun();
  },
};

export class WebPool extends StreamPool<WebSink> {
  constructor(limits: PoolLimits) {
    super({ driver, limits });
  }

  /**
   * Resolves with the body of a response that stays open as this stream, once it has bytes: a runtime sends
   * the head with them, and its arrival tells the reader that events can reach the stream. Until then the
   * signal of the request ends the stream, and the result is null.
   */
  async begun(spec: StreamSpec, signal: AbortSignal): Promise<ReadableStream<Uint8Array> | null> {
    let onBegun = (): void => {};
    const isBegun = new Promise<void>((resolve) => {
      onBegun = resolve;
    });
    const body = this.body(spec, onBegun);
    const abandon = (): void => {
      void body.cancel();
      onBegun();
    };
    signal.addEventListener("abort", abandon);
    if (signal.aborted) abandon();
    await isBegun;
    signal.removeEventListener("abort", abandon);
    return signal.aborted ? null : body;
  }

  /** Returns the body of a response that stays open as this stream. */
  body(spec: StreamSpec, onBegun: () => void = () => {}): ReadableStream<Uint8Array> {
    const sink: WebSink = { controller: undefined, onBegun };
    let stream: Stream<WebSink> | undefined;
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          sink.controller = controller;
          stream = this.open(sink, spec, "none");
        },
        cancel: () => {
          sink.controller = undefined;
          if (stream !== undefined) this.closed(stream, "peer");
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: AHEAD_BYTES }),
    );
  }
}
