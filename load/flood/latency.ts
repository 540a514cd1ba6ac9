// How long messages took, from the time that their sender wrote into them. Sender and receiver share this machine's
// monotonic clock, so the difference is the whole way (producer, broker, graph, edge, reader), even where the wall clock
// is set on the way. Between two machines it means nothing.

import {
  build,
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  type Histogram,
} from "hdr-histogram-js";

/** Microseconds of the machine's monotonic clock, as messages carry them in `sentUs`. */
export function nowUs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000_000 + Math.round(nanoseconds / 1_000);
}

const LONGEST_US = 60_000_000;

export interface LatencyMs {
  /** Messages noted. */
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

  /** Notes a message sent at `sentUs`. */
  note(sentUs: number): void {
    this.#histogram.recordValue(Math.min(LONGEST_US, Math.max(1, nowUs() - sentUs)));
  }

  /** Adds pairs of microseconds and how often, as the native readers count them. */
  addCounts(pairs: Float64Array): void {
    for (let at = 0; at + 1 < pairs.length; at += 2)
      this.#histogram.recordValueWithCount(pairs[at] as number, pairs[at + 1] as number);
  }

  /** Everything noted so far, as text for another process. */
  encode(): string {
    return encodeIntoCompressedBase64(this.#histogram);
  }

  /** Adds what another process noted. */
  add(encoded: string): void {
    this.#histogram.add(decodeFromCompressedBase64(encoded));
  }

  /** Forgets everything. */
  reset(): void {
    this.#histogram.reset();
  }

  /** Messages noted. */
  get count(): number {
    return this.#histogram.totalCount;
  }

  /** undefined before the first message. */
  get ms(): LatencyMs | undefined {
    if (this.#histogram.totalCount === 0) return undefined;
    const at = (percentile: number): number => this.#histogram.getValueAtPercentile(percentile) / 1000;
    return { count: this.#histogram.totalCount, p50: at(50), p99: at(99), max: at(100) };
  }
}
