// Latency of messages, from the time that their sender wrote into them. Sender and receiver share the
// monotonic clock of this machine, so the difference covers the whole path (producer, broker, graph, edge,
// reader), even if the wall clock is set in between. Between two machines it is meaningless.

import {
  build,
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  type Histogram,
} from "hdr-histogram-js";

/** Returns microseconds of the machine's monotonic clock, as messages carry them in `sentUs`. */
export function nowUs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000_000 + Math.round(nanoseconds / 1_000);
}

const LONGEST_US = 60_000_000;

export interface LatencyMs {
  /** Number of messages recorded. */
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export class Latency {
  readonly #histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: LONGEST_US,
    numberOfSignificantValueDigits: 3,
  });

  /** Records a message sent at `sentUs`. */
  note(sentUs: number): void {
    this.#histogram.recordValue(Math.min(LONGEST_US, Math.max(1, nowUs() - sentUs)));
  }

  /** Adds pairs of microseconds and frequency, as the native readers count them. */
  addCounts(pairs: Float64Array): void {
    for (let at = 0; at + 1 < pairs.length; at += 2)
      this.#histogram.recordValueWithCount(pairs[at] as number, pairs[at + 1] as number);
  }

  /** Encodes all records as text for another process. */
  encode(): string {
    return encodeIntoCompressedBase64(this.#histogram);
  }

  /** Adds the records of another process. */
  add(encoded: string): void {
    this.#histogram.add(decodeFromCompressedBase64(encoded));
  }

  /** Removes all records. */
  reset(): void {
    this.#histogram.reset();
  }

  /** Number of messages recorded. */
  get count(): number {
    return this.#histogram.totalCount;
  }

  /** Undefined before the first message. */
  get ms(): LatencyMs | undefined {
    if (this.#histogram.totalCount === 0) return undefined;
    const at = (percentile: number): number => this.#histogram.getValueAtPercentile(percentile) / 1000;
    return { count: this.#histogram.totalCount, p50: at(50), p99: at(99), max: at(100) };
  }
}
