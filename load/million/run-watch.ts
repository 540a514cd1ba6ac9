// Watches the streams and the memory of a run during each phase: until all streams are open, while messages
// are sent, and until the last has arrived. Owned by the run. Every wait is bounded, and a sample takes about
// 200 bytes.

import { setTimeout as delay } from "node:timers/promises";
import type { Layout } from "../../edge/index.ts";
import { type FloodCounts, NO_COUNTS } from "../flood/flood-counts.ts";
import type { FloodFleet } from "../flood/flood-fleet.ts";
import type { Services } from "../services.ts";
import { type MemorySample, MemoryWatch } from "./memory.ts";

const OPEN_MS = { first: 60_000, a_thousand: 1_000 };
/**
 * Reading a process's memory takes milliseconds of CPU, so the interval grows with the number of processes.
 */
const SAMPLE_MS = { min: 500, perProcess: 100 };
const HOLD_MS = { min: 1_000, max: 10_000, perConnection: 0.1 };
const LOOK_MS = 250;
/** A message that has not arrived after this time without any arrival is lost. */
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

  /** Watches until all streams are open, or until the time for that is over. */
  async untilOpen(streams: number, onLook: () => void): Promise<void> {
    const deadlineMs = performance.now() + OPEN_MS.first + OPEN_MS.a_thousand * (streams / 1_000);
    while (this.counts.active < streams && performance.now() < deadlineMs) {
      await this.#look();
      onLook();
    }
  }

  /** Watches for a while in which nothing is sent. */
  async hold(streams: number): Promise<void> {
    const ms = Math.min(HOLD_MS.max, Math.max(HOLD_MS.min, streams * HOLD_MS.perConnection));
    const endsAtMs = performance.now() + ms;
    while (performance.now() < endsAtMs) await this.#look();
  }

  /** Watches until the work is done. @throws the error of the work */
  async during(work: Promise<void>, onLook: () => void): Promise<void> {
    let done = false;
    const end = (): void => {
      done = true;
    };
    work.then(end, end); // awaiting the work below throws its error
    while (!done) {
      await this.#look();
      onLook();
    }
    await work;
  }

  /**
   * Watches until everything has arrived, or nothing new has for a while. Returns the time of the last
   * arrival.
   */
  async settle(expected: () => number): Promise<number> {
    let received = -1;
    let quietSinceMs = performance.now();
    while (performance.now() - quietSinceMs < SETTLE_MS) {
      await this.#look();
      if (this.counts.messages > received) quietSinceMs = performance.now();
      received = this.counts.messages;
      if (received >= expected()) break;
    }
    await this.#look(); // gives duplicates time to arrive
    return quietSinceMs;
  }

  async #look(): Promise<void> {
    await delay(LOOK_MS, undefined, { signal: this.#signal });
    this.counts = (await this.fleet?.counts()) ?? NO_COUNTS;
    if (performance.now() - this.#sampledAtMs >= this.#sampleMs) await this.sample();
  }
}
