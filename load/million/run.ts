// Runs the article's test from end to end: graph, services, all streams, messages, and the comparison of what
// arrived. It starts everything itself, bounds the time of each phase, and removes everything however it
// ends.

import { randomBytes } from "node:crypto";
import { BrokerClient } from "../../broker/index.ts";
import type { Context } from "../../lib/command.ts";
import { type Comparison, compareDigests } from "../flood/digest.ts";
import { FloodFleet, type FloodTotal } from "../flood/flood-fleet.ts";
import { Services } from "../services.ts";
import { Audience } from "./audience.ts";
import { prepareGraph } from "./graph.ts";
import { availableMemory, type MemorySample } from "./memory.ts";
import { edgeFlags, type MillionPlan, streamBase } from "./plan.ts";
import { RunWatch } from "./run-watch.ts";
import { Sender } from "./sender.ts";

/**
 * The number of processes that open streams at the same time, and of streams that each of them is opening. A
 * few processes that are always busy open streams faster than many that take turns on the cores.
 */
const OPENING_A_PROCESS = 2_000;
const OPENING_PROCESSES = 4;

/** The result. Times are in seconds. */
export interface MillionResult {
  readonly plan: MillionPlan;
  readonly broker: string;
  readonly graphSeconds: number;
  readonly openSeconds: number;
  readonly opened: number;
  readonly failed: number;
  /** Time at which all streams were open, before messages were sent. */
  readonly idle: MemorySample;
  /** Memory that the run uses with every stream open: how much the available memory shrank. */
  readonly takenBytes: number;
  readonly before: MemorySample;
  /** Time at which all messages had arrived. */
  readonly after: MemorySample;
  readonly samples: readonly MemorySample[];
  readonly load: {
    readonly messages: number;
    readonly refused: number;
    readonly seconds: number;
    readonly deliveries: number;
    readonly pauses: number;
    /** Time until the last delivery, or until the wait for more ended. */
    readonly deliverySeconds: number;
  };
  readonly flood: FloodTotal;
  readonly verdict: Comparison;
}

/** Receives the phases of a run, and the progress within a phase. */
export interface MillionListener {
  phase(text: string): void;
  progress(what: string, done: number, total: number): void;
}

/**
 * Runs the test. Everything is stopped at the end, also after an error.
 * @throws EnckeError if a phase fails, AbortError on Ctrl-C
 */
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
    const services = await Services.start({
      ...{ encke: context.encke, broker: plan.broker, directory: graph.directory, edge: edgeFlags(plan) },
      ...{ env: context.env, log: context.log, signal },
    });
    stops.unshift(() => services.stop());
    const client = await BrokerClient.connect(services.nats, {
      name: "encke million",
      log: context.log,
      wait: false,
    });
    stops.unshift(() => client.close());

    const run = new RunWatch(services, plan.layout, signal);
    const before = await run.sample();
    const messageRun = randomBytes(6).toString("hex");
    listener.phase(
      `${plan.connections.toLocaleString("en")} streams from ${sources.length} address${sources.length === 1 ? "" : "es"}, ${floodProcesses} process${floodProcesses === 1 ? "" : "es"}`,
    );
    const openAt = performance.now();
    const base = streamBase(services.url.href, plan.path);
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
    await run.untilOpen(plan.connections, () =>
      listener.progress("streams", run.counts.active, plan.connections),
    );
    const openSeconds = secondsSince(openAt);
    await run.hold(plan.connections);
    const idle = await run.sample();

    listener.phase(`${plan.rate.toLocaleString("en")} messages per second for ${plan.seconds} s`);
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
    listener.phase("comparing deliveries with the graph");
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

function secondsSince(startedAtMs: number): number {
  return (performance.now() - startedAtMs) / 1_000;
}
