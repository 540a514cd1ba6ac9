// The streams and the memory of a run, looked at while something else goes on: until all are open, while messages are
// sent, until the last has come. Owned by the run; every wait here has an end, and the samples are some 200 bytes each.

import { setTimeout as delay } from "node:timers/promises";
import type { Layout } from "../../edge/index.ts";
import { type FloodCounts, NO_COUNTS } from "../flood/flood-counts.ts";
import type { FloodFleet } from "../flood/flood-fleet.ts";
import type { Services } from "../services.ts";
import { type MemorySample, MemoryWatch } from "./memory.ts";

const OPEN_MS = { first: 60_000, a_thousand: 1_000 };
/** Looking into a process's memory takes some milliseconds of CPU: the more processes, the rarer. */
const SAMPLE_MS = { min: 500, perProcess: 100 };
const HOLD_MS = { min: 1_000, max: 10_000, perConnection: 0.1 };
const LOOK_MS = 250;
/** With nothing new for so long, what has not come is lost. */
const SETTLE_MS = 5_000;

export class RunWatch {
  readonly #services: Services;
  readonly #signal: AbortSignal;
  readonly #memory = new MemoryWatch();
  readonly #sampleMs: number;
  #sampledAtMs = Number.NEGATIVE_INFINITY;
  fleet: FloodFleet | undefined;
  counts: FloodCounts = NO_COUNTS;

  constructor(services: Services, { edgeWorkers, floodProcesses }: Layout, signal: AbortSignal) {
    this.#services = services;
    this.#signal = signal;
    this.#sampleMs = Math.max(SAMPLE_MS.min, (edgeWorkers + floodProcesses) * SAMPLE_MS.perProcess);
  }

  get samples(): readonly MemorySample[] {
    return this.#memory.samples;
  }

  async sample(): Promise<MemorySample> {
    this.#sampledAtMs = performance.now();
    const { supervisor, ...services } = this.#services.pids;
    const pids = { ...services, flood: this.fleet?.pids ?? [], command: [process.pid, ...supervisor] };
    return this.#memory.take(pids, this.counts.active);
  }

  /** Until all are open, or the time is over in which they must be. */
  async untilOpen(streams: number, onLook: () => void): Promise<void> {
    const deadlineMs = performance.now() + OPEN_MS.first + OPEN_MS.a_thousand * (streams / 1_000);
    while (this.counts.active < streams && performance.now() < deadlineMs) {
      await this.#look();
      onLook();
    }
  }

  /** A while in which nothing is sent. */
  async hold(streams: number): Promise<void> {
    const ms = Math.min(HOLD_MS.max, Math.max(HOLD_MS.min, streams * HOLD_MS.perConnection));
    const endsAtMs = performance.now() + ms;
    while (performance.now() < endsAtMs) await this.#look();
  }

  /** Looks until the work is done. @throws what the work throws */
  async during(work: Promise<void>, onLook: () => void): Promise<void> {
    let done = false;
    const end = (): void => {
      done = true;
    };
    work.then(end, end); // the error is thrown below, by the work itself
    while (!done) {
      await this.#look();
      onLook();
    }
    await work;
  }

  /** Until everything has arrived, or nothing new has for a while. When the last came. */
  async settle(expected: () => number): Promise<number> {
    let received = -1;
    let quietSinceMs = performance.now();
    while (performance.now() - quietSinceMs < SETTLE_MS) {
      await this.#look();
      if (this.counts.messages > received) quietSinceMs = performance.now();
      received = this.counts.messages;
      if (received >= expected()) break;
    }
    await this.#look(); // what comes twice comes late
    return quietSinceMs;
  }

  async #look(): Promise<void> {
    await delay(LOOK_MS, undefined, { signal: this.#signal });
    this.counts = (await this.fleet?.counts()) ?? NO_COUNTS;
    if (performance.now() - this.#sampledAtMs >= this.#sampleMs) await this.sample();
  }
}
