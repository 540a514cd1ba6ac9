// Reads a part of a stream in batches: what has arrived since the last one. The stream stops sending while
// MAX_WAITING_BYTES wait to be taken. Owned by one caller, which takes every batch or returns early.

import { type BrokerClient, type StreamMessage, StreamReader } from "../../broker/index.ts";
import type { Logger } from "../../lib/log.ts";
import { type LoggedRecord, unavailable } from "./partition-log.ts";

/** Reading fails after so long without a message, which is longer than an election of a stream's leader. */
const SILENT_MS = 15_000;
const MAX_WAITING_BYTES = 8_388_608;

interface ReadStream {
  readonly client: BrokerClient;
  readonly stream: string;
  readonly log: Logger;
}

/** Yields the messages after `after` up to `last`, in order. @throws GraphError GRAPH_LOG_UNAVAILABLE */
export async function* readStream(
  from: ReadStream,
  after: number,
  last: number,
): AsyncGenerator<readonly LoggedRecord[]> {
  if (after >= last) return;
  const arrivals = new Arrivals(after);
  const reader = new StreamReader({
    ...from,
    from: async () => arrivals.newest + 1,
    onMessage: (message) => arrivals.add(message),
    paused: () => arrivals.paused,
  });
  const started = reader.start();
  try {
    for (let at = after; at < last; ) {
      const batch = await arrivals.take();
      if (batch === undefined) throw unavailable(from.stream, reader.trouble ?? "no message arrives");
      at = batch.at(-1)?.sequence ?? at;
      yield batch.filter(({ sequence }) => sequence <= last);
    }
  } finally {
    await reader.stop();
    await started;
  }
}

/** Messages that were not taken yet. */
class Arrivals {
  #waiting: LoggedRecord[] = [];
  #bytes = 0;
  #onArrival: (() => void) | undefined;
  #onTaken: (() => void) | undefined;
  /** The sequence of the newest message that arrived. */
  newest: number;
  /** Pending while the stream should not send more. */
  paused: Promise<void> | undefined;

  constructor(newest: number) {
    this.newest = newest;
  }

  add({ sequence, data }: StreamMessage): void {
    this.newest = sequence;
    this.#waiting.push({ sequence, data: data.slice() }); // the connection's buffer holds other messages
    this.#bytes += data.length;
    if (this.#bytes > MAX_WAITING_BYTES)
      this.paused ??= new Promise((resolve) => {
        this.#onTaken = resolve;
      });
    this.#onArrival?.();
  }

  /** Takes what has arrived, at least one message; returns undefined if none arrives in time. */
  async take(): Promise<readonly LoggedRecord[] | undefined> {
    if (this.#waiting.length === 0)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, SILENT_MS);
        this.#onArrival = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    this.#onArrival = undefined;
    const taken = this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
    this.paused = undefined;
    this.#onTaken?.();
    return taken.length === 0 ? undefined : taken;
  }
}
