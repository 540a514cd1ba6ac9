// The verdict of a chaos run: what readers received is compared with what was published and with what the
// graph said at the time, and everything that differs is explained by a resync or by the record of faults, or
// counts as a failure. Stateless.

import type { Fault, Ledger } from "../resume/checker.ts";
import type { Received, ReceivedHole } from "../resume/received.ts";
import { causeOfLoss, confirmResync, isOfAnotherClock } from "./explain.ts";
import type { InjectedFault } from "./faults.ts";

/** The bound of a replay by default: docs/protocol.md. */
const MAX_REPLAYED = 1_000;
const MAX_EXAMPLES = 5;

/** What must not happen; every number must be 0. */
export interface Failures {
  /** Answered, not received, and not covered by a resync. */
  answeredLost: number;
  /** Plain, not received, not covered by a resync, and without a cause among the faults. */
  plainLost: number;
  twice: number;
  disordered: number;
  /** Received, although the graph had acknowledged before that the user does not follow the topic. */
  forbidden: number;
  /** Cursors that sort before an earlier one, unless the clock of an edge was set. */
  cursorsBack: number;
  /** Resyncs that no fault accounts for. */
  invented: number;
}

export interface ChaosVerdict {
  readonly failures: Readonly<Failures>;
  readonly expected: number;
  readonly received: number;
  /** Answered and not received, but covered by a resync. */
  readonly answeredCovered: number;
  /** Plain and received after later ones of their author, because a stream had not stored them. */
  readonly repaired: number;
  /** Plain and not received, by the fault that took them before they reached the graph. */
  readonly lostByCause: ReadonlyMap<string, number>;
  /** Confirmed resyncs by reason. */
  readonly resyncs: ReadonlyMap<string, number>;
  readonly examples: readonly string[];
}

export const NO_FAILURES: Readonly<Failures> = {
  ...{ answeredLost: 0, plainLost: 0, twice: 0, disordered: 0, forbidden: 0, cursorsBack: 0, invented: 0 },
};

/**
 * Judges a run.
 * @param repairs whether a plain event that a stream did not store is published again, after later ones
 */
export function judge(ledger: Ledger, faults: readonly InjectedFault[], repairs = false): ChaosVerdict {
  const { expected, received } = ledger.check();
  const failures: Failures = { ...NO_FAILURES };
  const lostByCause = new Map<string, number>();
  const examples: string[] = [];
  let missingAnswered = 0;
  let repaired = 0;
  const fail = (kind: keyof Failures, example: string): void => {
    failures[kind] += 1;
    if (failures[kind] <= MAX_EXAMPLES) examples.push(`${kind}: ${example}`);
  };
  for (const fault of ledger.faults()) {
    if (fault.kind === "storedButMissing") missingAnswered += 1;
    else if (fault.kind === "outOfOrder" && repairs && fault.published?.state === "sent") repaired += 1;
    else if (fault.kind === "lost") {
      const cause = fault.published && causeOfLoss(fault.published, faults);
      if (cause !== undefined) add(lostByCause, cause);
      else fail(fault.published?.state === "stored" ? "answeredLost" : "plainLost", describe(fault));
    } else fail(fault.kind === "outOfOrder" ? "disordered" : (fault.kind as keyof Failures), describe(fault));
  }
  const resyncs = new Map<string, number>();
  for (const reader of ledger.readers) {
    for (const back of reader.cursorsBack)
      if (!isOfAnotherClock(back, faults)) fail("cursorsBack", `${reader.name} ${JSON.stringify(back)}`);
    for (const [hole, isConfirmed] of confirmed(reader, ledger, faults)) {
      if (isConfirmed) add(resyncs, hole.reason);
      else fail("invented", `${reader.name} ${JSON.stringify(hole)}`);
    }
  }
  const answeredCovered = missingAnswered - failures.answeredLost;
  return { failures, expected, received, answeredCovered, repaired, lostByCause, resyncs, examples };
}

/** Says of each resync whether a fault accounts for it. A restart accounts for one per reader. */
function confirmed(
  reader: Received,
  ledger: Ledger,
  faults: readonly InjectedFault[],
): (readonly [ReceivedHole, boolean])[] {
  let open = faults;
  return reader.holes.map((hole) => {
    const missing = hole.reason === "too-many" ? ledger.missingBefore(reader, hole.before) : 0;
    const fault = confirmResync(hole, open, missing, MAX_REPLAYED);
    if (hole.reason === "graph-restarted") open = open.filter((other) => other !== fault);
    return [hole, fault !== undefined] as const;
  });
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function describe({ reader, topic, n, after, published }: Fault): string {
  const at = published === undefined ? "never" : new Date(published.publishedMs).toISOString();
  return `${reader.name} ${topic} ${n} after ${after}, ${published?.state}, published ${at}`;
}
