// Opens many streams and holds them, at a given rate and from several addresses. Received data is read and
// discarded. This is the article's flood tool; `closed` should stay 0. With `reopen`, a lost stream is opened
// again, and does not count as failed.

import { isIP } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { type FloodCounts, NO_COUNTS } from "./flood-counts.ts";
import { Latency } from "./latency.ts";
import { isNativeBuilt, NativeReaders } from "./native-readers.ts";
import { PlainReaders } from "./plain-readers.ts";
import type { Readers, ReadersOptions, StreamEnd } from "./readers.ts";
import { Retries } from "./retries.ts";
import { countTargets, pathOf, resolveTargets, type TargetPlan, type Targets } from "./targets.ts";

const PACE_MS = 10;
/**
 * Number of streams that are begun before received data is read again, so that even a burst reads while it
 * opens.
 */
const MAX_AT_ONCE = 500;
const MAX_PROBLEMS = 10;

/** The plan of one process: plain data, which is sent to that process. */
export interface FloodPlan {
  readonly targets: TargetPlan;
  /** Streams opened per second; 0 for all at once. */
  readonly rate: number;
  /** Maximum number of streams that are being opened at the same time; 0 for no maximum. */
  readonly opening: number;
  /** Source addresses, used in turn; by default the system chooses. */
  readonly sources: readonly string[];
  readonly firstSource: number;
  readonly sourceStep: number;
  /** Whether lost streams are opened again. */
  readonly reopen: boolean;
  /** The run whose messages are counted; with "" the latency of every message is recorded instead. */
  readonly run: string;
  /** Header lines of the request, each with its line end. */
  readonly headers: string;
}

export class Flood {
  readonly #plan: FloodPlan;
  readonly #latency = new Latency();
  readonly #makeReaders: (options: ReadersOptions) => Readers;
  /** The first reasons for which streams did not open or were lost. */
  readonly problems: Set<string> = new Set();
  #targets: Targets | undefined;
  #readers: Readers | undefined;
  readonly #retries: Retries;
  readonly #ends = { closed: 0, failed: 0, retried: 0 };
  #ending = false;

  /** @param native whether to use the addon if it is built */
  constructor(plan: FloodPlan, native: boolean = isNativeBuilt) {
    this.#plan = plan;
    this.#makeReaders = (options) => (native ? new NativeReaders(options) : new PlainReaders(options));
    this.#retries = new Retries(countTargets(plan.targets), (stream) => this.#readers?.open(stream));
  }

  get counts(): FloodCounts {
    const { active, reopened, chunks, bytes, messages, resyncs } = this.#readers?.counts() ?? NO_COUNTS;
    return { active, reopened, chunks, bytes, messages, resyncs, ...this.#ends };
  }

  get latency(): Latency {
    this.#readers?.drainLatency(this.#latency);
    return this.#latency;
  }

  /** Digests of all streams (digest.ts), in their order. */
  get digests(): Uint32Array {
    return this.#readers?.digests() ?? new Uint32Array(0);
  }

  /**
   * Opens all streams at the rate. Resolves when the last was begun, or `close` was called. @throws
   * CommandError for invalid targets
   */
  async open(): Promise<void> {
    const { rate, opening, sources, firstSource, sourceStep, headers, run } = this.#plan;
    const family = sources.some((source) => isIP(source) === 6) ? 6 : sources.length > 0 ? 4 : 0;
    const targets = await resolveTargets(this.#plan.targets, family);
    if (this.#ending) return;
    this.#targets = targets;
    const onEnd = (end: StreamEnd): void => this.#onEnd(end);
    const readers = this.#makeReaders({ targets, sources, firstSource, sourceStep, headers, run, onEnd });
    this.#readers = readers;
    const startedAt = performance.now();
    for (let opened = 0; opened < targets.ends.length && !this.#ending; ) {
      const elapsed = performance.now() - startedAt + PACE_MS;
      const due = rate === 0 ? targets.ends.length : Math.ceil((elapsed / 1000) * rate);
      const room = opening === 0 ? MAX_AT_ONCE : opening - readers.counts().opening;
      const until = Math.min(targets.ends.length, due, opened + Math.min(room, MAX_AT_ONCE));
      const isBehind = until < due && room > 0;
      for (; opened < until && !this.#ending; opened += 1) readers.open(opened);
      await delay(isBehind ? 1 : PACE_MS);
    }
  }

  /** Ends every stream. Idempotent. */
  close(): void {
    this.#ending = true;
    this.#retries.close();
    this.#readers?.close();
  }

  #onEnd(end: StreamEnd): void {
    if (this.#ending) return;
    this.#note(end);
    if (end.wasOpen) this.#ends.closed += 1;
    if (this.#plan.reopen) {
      if (!end.wasOpen) this.#ends.retried += 1;
      this.#retries.add(end.stream, !end.wasOpen, end.retryAfterMs);
    } else if (!end.wasOpen) {
      this.#ends.closed += 1;
      this.#ends.failed += 1;
    }
  }

  #note({ stream, reason, detail, wasOpen }: StreamEnd): void {
    if (this.problems.size >= MAX_PROBLEMS) return;
    const path = this.#targets === undefined ? "" : pathOf(this.#targets, stream);
    const said = {
      error: detail,
      status: `status ${detail}`,
      complete: "the server ended the stream",
      cut: wasOpen ? "the connection was cut" : "the connection ended before the response",
      broken: "the response is not HTTP",
    }[reason];
    this.problems.add(`${path.replace(/\d+/g, "…")}: ${said}`);
  }
}
