// The article's test from end to end: graph, services, all streams, messages, and the check of what arrived. It starts
// everything by itself, gives each phase a bounded time, and leaves nothing behind however it ends.

import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { BrokerClient } from "../../../broker/index.ts";
import type { Context } from "../../command.ts";
import { type Comparison, compareDigests } from "../digest.ts";
import { type CountTotal, FloodFleet, type FloodTotal } from "../flood-fleet.ts";
import type { Layout } from "../layout.ts";
import { Audience } from "./audience.ts";
import { prepareGraph } from "./graph.ts";
import { availableMemory, type MemorySample, MemoryWatch } from "./memory.ts";
import { type MillionPlan, streamBase } from "./plan.ts";
import { Sender } from "./sender.ts";
import { type Services, startServices } from "./services.ts";

/**
 * Streams that wait for their answer in each process that opens, and processes that open at a time: a few that are always
 * busy open faster than many that take turns on the cores.
 */
const OPENING_A_PROCESS = 2_000;
const OPENING_PROCESSES = 4;
const OPEN_MS = { first: 60_000, a_thousand: 1_000 };
/** Looking into a process's memory takes some milliseconds of CPU: the more processes, the rarer. */
const SAMPLE_MS = { least: 500, a_process: 100 };
const HOLD_MS = { least: 1_000, most: 10_000, a_connection: 0.1 };
const LOOK_MS = 250;
/** With nothing new for so long, what has not come is lost. */
const SETTLE_MS = 5_000;

/** What came out. Times in seconds. */
export interface MillionResult {
  readonly plan: MillionPlan;
  readonly broker: string;
  readonly graphSeconds: number;
  readonly openSeconds: number;
  readonly opened: number;
  readonly failed: number;
  /** All streams open, before the messages. */
  readonly idle: MemorySample;
  /** Of what was available before anything was started: all that the run takes with every stream open. */
  readonly takenBytes: number;
  readonly before: MemorySample;
  /** All messages have arrived. */
  readonly after: MemorySample;
  readonly samples: readonly MemorySample[];
  readonly load: {
    readonly messages: number;
    readonly refused: number;
    readonly seconds: number;
    readonly deliveries: number;
    readonly pauses: number;
    /** Until the last delivery, or until nothing more came. */
    readonly deliverySeconds: number;
  };
  readonly flood: FloodTotal;
  readonly verdict: Comparison;
}

/** Tells what happens, a line each; `progress` now and then within a phase. */
export interface MillionListener {
  phase(text: string): void;
  progress(what: string, done: number, total: number): void;
}

/** @throws EnckeError where a phase fails; AbortError on Ctrl-C. Everything is stopped either way */
export async function runMillion(
  context: Context,
  plan: MillionPlan,
  data: string | undefined,
  listener: MillionListener,
): Promise<MillionResult> {
  const { signal } = context;
  const stops: (() => Promise<void> | void)[] = [];
  const availableAtStart = await availableMemory();
  try {
    const graphAt = performance.now();
    listener.phase(`graph of ${plan.graph.users.toLocaleString("en")} users`);
    const graph = await prepareGraph(plan.graph, data, (done) => listener.progress("rows", done, 0));
    stops.unshift(() => graph.remove());
    signal.throwIfAborted();
    const audience = new Audience(plan.graph, plan.connections, plan.to);
    const graphSeconds = secondsSince(graphAt);

    const { edgeWorkers, floodProcesses, sources } = plan.layout;
    listener.phase(`broker, graph service and ${edgeWorkers} edge worker${edgeWorkers === 1 ? "" : "s"}`);
    const services = await startServices(context, plan, graph.directory);
    stops.unshift(() => services.stop());
    const client = await BrokerClient.connect(
      { url: services.natsUrl },
      { name: "encke million", log: context.log, wait: false },
    );
    stops.unshift(() => client.close());

    const run = new Run(services, plan.layout, signal);
    const before = await run.sample();
    const messageRun = randomBytes(6).toString("hex");
    listener.phase(
      `${plan.connections.toLocaleString("en")} streams from ${sources.length} address${sources.length === 1 ? "" : "es"}, ${floodProcesses} process${floodProcesses === 1 ? "" : "es"}`,
    );
    const openAt = performance.now();
    const base = streamBase(services.url, plan.path);
    const fleet = new FloodFleet(
      {
        targets: { kind: "counted", base, firstId: 1, step: 1, count: plan.connections },
        rate: 0,
        opening: OPENING_A_PROCESS * floodProcesses,
        sources,
        processesAtOnce: OPENING_PROCESSES,
        reopen: true,
        run: messageRun,
      },
      floodProcesses,
    );
    stops.unshift(() => fleet.close());
    run.fleet = fleet;
    await run.untilOpen(plan.connections, listener);
    const openSeconds = secondsSince(openAt);
    await run.hold(plan.connections);
    const idle = await run.sample();

    listener.phase(`${plan.rate.toLocaleString("en")} messages a second for ${plan.seconds} s`);
    const sender = new Sender({
      ...plan,
      client,
      audience,
      run: messageRun,
      delivered: () => run.counts.messages,
      signal,
    });
    const loadAt = performance.now();
    const sending = sender.send();
    await run.during(sending, () => listener.progress("deliveries", run.counts.messages, 0));
    const settledAt = await run.settle(() => sender.expected);
    const after = await run.sample();
    listener.phase("comparing what arrived with the graph");
    const verdict = compareDigests(audience.expected(), await fleet.digests(), plan.connections);
    const flood = await fleet.total();
    const { messages, refused, seconds, pauses } = sender;
    return {
      plan,
      broker: services.broker,
      graphSeconds,
      openSeconds,
      opened: idle.connections,
      failed: plan.connections - idle.connections,
      takenBytes: availableAtStart - idle.availableBytes,
      before,
      idle,
      after,
      samples: run.samples,
      load: {
        messages,
        refused,
        seconds,
        pauses,
        deliveries: verdict.received,
        deliverySeconds: (settledAt - loadAt) / 1_000,
      },
      flood,
      verdict,
    };
  } finally {
    listener.phase("stopping");
    for (const stop of stops) await stop();
  }
}

/** The streams and the memory of a run, looked at while something else goes on. */
class Run {
  readonly #services: Services;
  readonly #signal: AbortSignal;
  readonly #memory = new MemoryWatch();
  readonly #sampleMs: number;
  #sampledAtMs = Number.NEGATIVE_INFINITY;
  fleet: FloodFleet | undefined;
  counts: CountTotal = NOTHING;

  constructor(services: Services, { edgeWorkers, floodProcesses }: Layout, signal: AbortSignal) {
    this.#services = services;
    this.#signal = signal;
    this.#sampleMs = Math.max(SAMPLE_MS.least, (edgeWorkers + floodProcesses) * SAMPLE_MS.a_process);
  }

  get samples(): readonly MemorySample[] {
    return this.#memory.samples;
  }

  async sample(): Promise<MemorySample> {
    this.#sampledAtMs = performance.now();
    const pids = { ...this.#services.pids(), flood: this.fleet?.pids ?? [], command: [process.pid] };
    return this.#memory.take(pids, this.counts.active);
  }

  /** Until all are open, or the time is over in which they must be. */
  async untilOpen(streams: number, listener: MillionListener): Promise<void> {
    const deadlineMs = performance.now() + OPEN_MS.first + OPEN_MS.a_thousand * (streams / 1_000);
    while (this.counts.active < streams && performance.now() < deadlineMs) {
      await this.#look();
      listener.progress("streams", this.counts.active, streams);
    }
  }

  /** A while in which nothing is sent. */
  async hold(streams: number): Promise<void> {
    const ms = Math.min(HOLD_MS.most, Math.max(HOLD_MS.least, streams * HOLD_MS.a_connection));
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
    this.counts = (await this.fleet?.counts()) ?? NOTHING;
    if (performance.now() - this.#sampledAtMs >= this.#sampleMs) await this.sample();
  }
}

const NOTHING: CountTotal = {
  active: 0,
  closed: 0,
  failed: 0,
  retried: 0,
  reopened: 0,
  chunks: 0,
  bytes: 0,
  messages: 0,
  resyncs: 0,
  opened: false,
};

function secondsSince(startedAtMs: number): number {
  return (performance.now() - startedAtMs) / 1_000;
}
