// Injects faults into a site, chosen by a seeded random: first one at a time, each only once the site has
// recovered from the one before, then several that overlap. Owned by the test; ends by itself.

import { setTimeout as delay } from "node:timers/promises";
import type { Random } from "../../graph/index.ts";
import { nowMs } from "../resume/received.ts";
import { type FaultKind, type InjectedFault, kindsFor, planFault } from "./faults.ts";
import type { Part } from "./part.ts";
import type { Site } from "./site.ts";

const AT_ONCE = 3;
/** While other faults go on, nothing shows when the site has recovered from one: this is long enough. */
const RECOVERY_MS = 10_000;

interface RunningFault {
  readonly part: Part;
  readonly record: InjectedFault;
  /** Resolves when it has been undone. */
  readonly undone: Promise<void>;
}

export interface InjectorOptions {
  readonly site: Site;
  readonly random: Random;
  /** Where faults are recorded. */
  readonly faults: InjectedFault[];
  /** The kinds to choose from. */
  readonly kinds: readonly FaultKind[];
  /** Bounds of the time that a fault lasts. */
  readonly minMs: number;
  readonly maxMs: number;
  /** Whether the run is to end before its time. */
  readonly isOver: () => boolean;
}

export class Injector {
  readonly #options: InjectorOptions;

  constructor(options: InjectorOptions) {
    this.#options = options;
  }

  /** Injects faults one at a time until so many are done, or until a moment of the monotonic clock. */
  async alone(count: number, untilMs: number): Promise<void> {
    const { site, random, isOver } = this.#options;
    for (let nth = 0; nth < count && performance.now() < untilMs && !isOver(); nth += 1) {
      const fault = this.#begin([]);
      await fault?.undone;
      await site.untilSafe();
      if (fault !== undefined) fault.record.recoveredMs = nowMs();
      await delay(random.below(this.#options.minMs));
    }
  }

  /**
   * The same with several at once: in a part only one, except that its clock may be set as well. At most one
   * NATS node or route is among them.
   */
  async overlapping(count: number, untilMs: number): Promise<void> {
    const { site, random, isOver, maxMs } = this.#options;
    const running = new Map<RunningFault, Promise<void>>();
    const from = this.#options.faults.length;
    for (let nth = 0; nth < count && performance.now() < untilMs && !isOver(); nth += 1) {
      while (running.size >= AT_ONCE) await Promise.race(running.values());
      const fault = this.#begin([...running.keys()]);
      if (fault === undefined) continue;
      running.set(
        fault,
        fault.undone.finally(() => running.delete(fault)),
      );
      await delay(random.below(maxMs / AT_ONCE));
    }
    await Promise.all(running.values());
    await site.untilSafe();
    for (const record of this.#options.faults.slice(from))
      record.recoveredMs = Math.min(nowMs(), record.toMs + RECOVERY_MS);
  }

  /** Begins a fault beside those that are running; undefined if there is none that fits. */
  #begin(running: readonly RunningFault[]): RunningFault | undefined {
    const { site, random, minMs, maxMs, kinds: wanted } = this.#options;
    const fitting = (kind: FaultKind): Part[] =>
      site.parts.filter((part) => kindsFor(part).includes(kind) && !running.some(excludes(part, kind)));
    const kind = choose(
      wanted.filter((one) => fitting(one).length > 0),
      random,
    );
    const part = kind && choose(fitting(kind), random);
    if (kind === undefined || part === undefined) return undefined;
    const planned = planFault(kind, part, minMs + random.below(maxMs - minMs), random);
    const record = newRecord(kind, part, planned.clockMs);
    this.#options.faults.push(record);
    const undone = planned.run().finally(() => {
      record.toMs = nowMs();
    });
    return { part, record, undone };
  }
}

/** Says of a running fault whether another one must not begin meanwhile. */
function excludes(part: Part, kind: FaultKind): (running: RunningFault) => boolean {
  return (running) => {
    if (isOfNats(part) && isOfNats(running.part)) return true;
    return part === running.part && (kind === "clock") === (running.record.kind === "clock");
  };
}

function isOfNats({ kind }: Part): boolean {
  return kind === "nats" || kind === "route";
}

function newRecord(kind: FaultKind, { name, kind: of }: Part, clockMs: number): InjectedFault {
  const open = Number.POSITIVE_INFINITY;
  return { kind, part: name, of, clockMs, fromMs: nowMs(), toMs: open, recoveredMs: open };
}

function choose<T>(list: readonly T[], random: Random): T | undefined {
  return list[random.below(list.length)];
}
