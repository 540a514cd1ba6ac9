// Opens many streams and holds them: so many a second, from several addresses, reading and throwing away what comes.
// The article's flood tool; `closed` should stay 0. With `reopen`, what is lost is opened again, and nothing has failed.

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
/** Streams begun between two looks at what came: also a storm is answered while it goes on. */
const MAX_AT_ONCE = 500;
const MAX_PROBLEMS = 10;

/** What one process opens. Plain data: it travels to that process. */
export interface FloodPlan {
  readonly targets: TargetPlan;
  /** Streams opened a second; 0: all at once. */
  readonly rate: number;
  /** Streams that wait for their answer at the same time; 0: any number. */
  readonly opening: number;
  /** Addresses to connect from, in turn; none leaves it to the system. */
  readonly sources: readonly string[];
  readonly firstSource: number;
  readonly sourceStep: number;
  /** Open lost streams again. */
  readonly reopen: boolean;
  /** The run whose messages count; "" notes every message's latency. */
  readonly run: string;
  /** Lines of the request, each with its line end. */
  readonly headers: string;
}

export class Flood {
  readonly #plan: FloodPlan;
  readonly #latency = new Latency();
  readonly #makeReaders: (options: ReadersOptions) => Readers;
  /** The first reasons for which streams did not open or did not stay. */
  readonly problems: Set<string> = new Set();
  #targets: Targets | undefined;
  #readers: Readers | undefined;
  readonly #retries: Retries;
  readonly #ends = { closed: 0, failed: 0, retried: 0 };
  #ending = false;

  /** @param native whether the addon reads, where it is built */
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

  /** Opens all, at the rate. Resolves when the last was begun, or `close` was called. @throws CommandError for bad targets */
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
      status: `answered ${detail}`,
      complete: "the server ended the stream",
      cut: wasOpen ? "the connection was cut" : "the connection ended before the answer",
      broken: "what came is no HTTP",
    }[reason];
    this.problems.add(`${path.replace(/\d+/g, "…")}: ${said}`);
  }
}
