// What a chaos run prints. Stateless.

import type { InjectedFault } from "./faults.ts";
import type { ChaosVerdict } from "./verdict.ts";

export interface ChaosReport {
  readonly setup: string;
  readonly seed: number;
  readonly published: number;
  readonly readers: number;
  readonly connections: number;
  readonly follows: number;
  readonly followsLost: number;
  readonly faults: readonly InjectedFault[];
  readonly verdict: ChaosVerdict;
  readonly stalls: ReadonlyMap<string, number>;
  readonly timeline: string;
}

/** Returns the report line by line. */
export function linesOf(report: ChaosReport): string[] {
  const { verdict, faults, stalls, published, readers, connections, follows, followsLost } = report;
  const { failures } = verdict;
  const kinds = new Map<string, number>();
  for (const { of, kind } of faults) kinds.set(`${of} ${kind}`, (kinds.get(`${of} ${kind}`) ?? 0) + 1);
  return [
    `setup ${report.setup}, CHAOS_SEED=${report.seed}`,
    `${published} events published, ${verdict.received} delivered to ${readers} readers over ${connections} connections`,
    `${faults.length} faults: ${list(kinds)}`,
    `answered events: ${failures.answeredLost} lost, ${verdict.answeredCovered} missing but covered by a resync`,
    `plain events: ${failures.plainLost} lost without a cause; lost with a cause: ${list(verdict.lostByCause)}`,
    `all events: ${failures.twice} twice, ${failures.disordered} disordered, ${failures.forbidden} forbidden, ${failures.cursorsBack} cursors back; ${verdict.repaired} plain ones repaired`,
    `resyncs: ${list(verdict.resyncs)}; ${failures.invented} that no fault accounts for`,
    `follows: ${follows} changes acknowledged, ${followsLost} lost`,
    `longest stall in ms: ${list(stalls)}`,
    ...report.timeline.split("\n"),
    ...verdict.examples,
  ];
}

function list(counts: ReadonlyMap<string, number>): string {
  if (counts.size === 0) return "none";
  return [...counts]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, count]) => `${name} ${count}`)
    .join(", ");
}
