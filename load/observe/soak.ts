// The article's 24-hour run, for any length: clients hold streams, generators send to random ones of them,
// and memory is sampled throughout. Owned by the soak command. It stores the memory samples, about 100 bytes
// each.

import { setTimeout as delay } from "node:timers/promises";
import { BrokerClient } from "../../broker/index.ts";
import { layoutFor, readMachine } from "../../edge/index.ts";
import type { Context } from "../../lib/command.ts";
import { CommandError } from "../../lib/command-error.ts";
import { FloodFleet, type FloodTotal } from "../flood/flood-fleet.ts";
import { isNativeBuilt } from "../flood/native-readers.ts";
import { readEdgeCounts } from "./edge-metrics.ts";
import { generate, type Sent } from "./generators.ts";
import { onEveryBeat, takeSample } from "./memory-log.ts";
import type { MemorySample } from "./memory-sample.ts";
import type { SoakTarget } from "./soak-target.ts";
import { steadyTimeMs } from "./steady-time.ts";

/** A client with other source addresses of this machine reaches only servers on loopback. */
const LOOPBACK = /^(localhost|127\..*)$/;
const OPEN_RATE = 1_000;
const LOOK_MS = 200;
/** A message that has not arrived after this time without any arrival is lost. */
const SETTLE_MS = 3_000;
/** Time for the streams to open, beyond what their rate requires. */
const OPEN_SLACK_MS = 60_000;

export interface SoakPlan {
  readonly connections: number;
  readonly rate: number;
  readonly generators: number;
  readonly seconds: number;
  readonly intervalMs: number;
  /** Called for every sample, with its source's name: writes the log. */
  onSample(name: string, sample: MemorySample): void;
}

export interface SoakRun {
  /** Time at which the load began, as `steadyTimeMs` counts. */
  readonly loadedAtMs: number;
  readonly seconds: number;
  readonly samples: ReadonlyMap<string, readonly MemorySample[]>;
  readonly sent: Sent;
  /** Messages that the edge wrote to streams. */
  readonly delivered: number;
  /** Counts of the clients. */
  readonly clients: FloodTotal;
  readonly restarts: number;
}

/**
 * Opens the streams, sends until the time is over or Ctrl-C, and waits for the last message. Memory is
 * sampled from before the first stream.
 * @throws CommandError CHECK_FAILED if the streams do not open
 */
export async function runSoak(context: Context, target: SoakTarget, plan: SoakPlan): Promise<SoakRun> {
  const { connections, intervalMs } = plan;
  const samples = new Map([...target.sources.keys()].map((name) => [name, [] as MemorySample[]]));
  const ending = new AbortController();
  const client = await BrokerClient.connect(target.nats, {
    name: "encke soak",
    log: context.log,
    wait: false,
  });
  const before = await readEdgeCounts(target.admin);
  await observe(target, samples, plan); // the processes without streams
  const machine = readMachine(context.env, { flood: isNativeBuilt });
  const { floodProcesses, sources } = layoutFor(connections, machine.openFiles.soft, machine.ports);
  const fleet = new FloodFleet(
    {
      targets: { kind: "counted", base: `${target.url}/test/`, firstId: 1, step: 1, count: connections },
      rate: OPEN_RATE,
      sources: LOOPBACK.test(new URL(target.url).hostname) ? sources : [],
    },
    floodProcesses,
  );
  const observing = onEveryBeat(
    { intervalMs, untilMs: Number.POSITIVE_INFINITY, signal: ending.signal },
    () => observe(target, samples, plan),
  ).finally(() => ending.abort());
  observing.catch(() => {}); // an unwritable log ends the run: the await below throws its error
  try {
    await untilOpen(fleet, connections, context.signal);
    const loadedAtMs = steadyTimeMs();
    const sent: Sent = { messages: 0, refused: 0 };
    const generating = generate({ ...plan, client, users: connections, signal: ending.signal }, sent);
    const signal = AbortSignal.any([context.signal, ending.signal]);
    await delay(plan.seconds * 1000, undefined, { signal }).catch(() => {}); // ended early
    ending.abort();
    await Promise.all([generating, observing]);
    const seconds = (steadyTimeMs() - loadedAtMs) / 1000;
    const clients = await settle(fleet, sent);
    // an edge that no longer replies must not prevent the report of a whole day
    const { delivered } = await readEdgeCounts(target.admin).catch(() => ({ delivered: Number.NaN }));
    return {
      loadedAtMs,
      seconds,
      samples,
      sent,
      delivered: delivered - before.delivered,
      clients,
      restarts: target.restarts(),
    };
  } finally {
    ending.abort();
    await fleet.close();
    await client.close();
  }
}

async function untilOpen(fleet: FloodFleet, connections: number, signal: AbortSignal): Promise<void> {
  const deadlineMs = performance.now() + (connections / OPEN_RATE) * 1000 + OPEN_SLACK_MS;
  for (;;) {
    const { active, failed, problems } = await fleet.total();
    if (active === connections) return;
    if (signal.aborted)
      throw new CommandError("CHECK_FAILED", "stopped before the streams were open: no report");
    if (failed > 0 || performance.now() > deadlineMs) {
      const why = problems[0] === undefined ? "" : ` (${problems[0]})`;
      throw new CommandError(
        "CHECK_FAILED",
        `${active} of ${connections} streams opened${why}: run encke doctor`,
      );
    }
    await delay(LOOK_MS);
  }
}

/** Takes one sample of every source. */
async function observe(
  { sources }: SoakTarget,
  samples: ReadonlyMap<string, MemorySample[]>,
  { onSample }: SoakPlan,
): Promise<void> {
  for (const [name, source] of sources) {
    const sample = await takeSample(source);
    samples.get(name)?.push(sample);
    onSample(name, sample);
  }
}

/** Waits until every message has been read, or none has arrived for a while. */
async function settle(fleet: FloodFleet, { messages }: Sent): Promise<FloodTotal> {
  let total = await fleet.total();
  let quietSince = performance.now();
  while (readBy(total) < messages && performance.now() - quietSince < SETTLE_MS) {
    await delay(LOOK_MS);
    const next = await fleet.total();
    if (readBy(next) > readBy(total)) quietSince = performance.now();
    total = next;
  }
  return total;
}

/** Returns the number of messages that the clients have read. */
export function readBy({ latencyMs }: FloodTotal): number {
  return latencyMs?.count ?? 0;
}
