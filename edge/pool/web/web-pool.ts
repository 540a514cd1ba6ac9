// The pool over web streams, for any Hono runtime, since only Node provides sockets. The bytes that wait for
// a reader are those that the runtime has not pulled from the stream.

import type { PoolLimits, StreamSpec } from "../pool.ts";
import type { SinkDriver, Stream } from "../stream.ts";
import { StreamPool } from "../stream-pool.ts";

/** Bytes that the runtime may buffer ahead of the reader. */
const AHEAD_BYTES = 16_384;

interface WebSink {
  controller: ReadableStreamDefaultController<Uint8Array> | undefined;
}

const driver: SinkDriver<WebSink> = {
  write: ({ controller }, bytes) => controller?.enqueue(bytes),
  pending: ({ controller }) => Math.max(0, AHEAD_BYTES - (controller?.desiredSize ?? AHEAD_BYTES)),
  end(sink) {
    sink.controller?.close();
    sink.controller = undefined;
    return false;
  },
  cut(sink) {
    sink.controller?.error(new Error("the reader was too slow"));
    sink.controller = undefined;
  },
};

export class WebPool extends StreamPool<WebSink> {
  constructor(limits: PoolLimits) {
    super({ driver, limits });
  }

  /** Returns the body of a response that stays open as this stream. */
  body(spec: StreamSpec): ReadableStream<Uint8Array> {
    const sink: WebSink = { controller: undefined };
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
