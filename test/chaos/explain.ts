// Says why something was lost, or why a resync was sent, from the record of the faults that were injected. A
// resync is confirmed only if a fault of the right kind was there, and if its `since` is not earlier than
// that fault: otherwise a service could tell readers to reload everything at any time. Stateless.

import { parseCursor } from "../../broker/contract.ts";
import type { Published } from "../resume/checker.ts";
import type { CursorBack, ReceivedHole } from "../resume/received.ts";
import type { FaultKind, InjectedFault } from "./faults.ts";
import type { PartKind } from "./part.ts";

/** A service notes once per second that it listens, after a round trip to NATS. */
const NOTED_EVERY_MS = 2_500;
/** An event that NATS has had for so long may still be on its way to the graph. */
const ON_ITS_WAY_MS = 2_000;
/** Clocks of two processes, and the time that a message takes. */
const SLACK_MS = 1_000;
/** broker/cursor-clock.ts: the resolution of stamps, and how far ahead a cursor may be to be followed. */
const STAMPS_PER_MS = 4_096;
const MAX_AHEAD_MS = 60_000;

/** The faults with which a plain event may be lost before it has reached the graph. */
const LOSES: Readonly<Partial<Record<PartKind, ReadonlySet<FaultKind>>>> = {
  nats: new Set(["kill", "restart", "pause"]),
  clients: new Set(["cut"]),
  route: new Set(["cut", "silence"]),
};
const ENDED: ReadonlySet<FaultKind> = new Set(["kill", "restart"]);
/** Reasons that are due only if a history could not be written, and so may not know a cursor any more. */
const OF_A_LOST_HISTORY: ReadonlySet<string> = new Set(["too-old", "unknown-cursor"]);

/**
 * Returns the moment of a resync's `since` by the real clock: a service whose clock was set notes what that
 * clock shows. If the clock has been set back since, a page could not load anything from a time in the
 * future, so that time is left as it is.
 */
export function realSinceOf({ since, atMs }: ReceivedHole, faults: readonly InjectedFault[]): number {
  const sinceMs = Date.parse(since ?? "");
  const set = faults.find(
    ({ of, clockMs, fromMs, toMs }) =>
      of === "graph" &&
      clockMs !== 0 &&
      sinceMs - clockMs >= fromMs - SLACK_MS &&
      sinceMs - clockMs <= toMs + SLACK_MS &&
      (clockMs < 0 || atMs <= toMs + SLACK_MS),
  );
  return sinceMs - (set?.clockMs ?? 0);
}

/** Returns the time from which on a page loads everything: by whatever clock, an earlier time covers more. */
export function coveredSince(hole: ReceivedHole, faults: readonly InjectedFault[]): number {
  return Math.min(Date.parse(hole.since ?? ""), realSinceOf(hole, faults));
}

/**
 * Returns the fault that accounts for a resync, or undefined if it should not have been sent.
 * @param missing the number of events that the reader never received, although published before it
 */
export function confirmResync(
  hole: ReceivedHole,
  faults: readonly InjectedFault[],
  missing: number,
  maxReplayed: number,
): InjectedFault | undefined {
  const before = faults.filter(({ fromMs }) => fromMs <= hole.atMs);
  const sinceMs = realSinceOf(hole, faults);
  const accountsFor = (fault: InjectedFault): boolean =>
    hole.since === undefined ||
    (sinceMs >= beginOf(fault, before) - NOTED_EVERY_MS && sinceMs <= fault.recoveredMs);
  if (hole.reason === "graph-restarted")
    return before.find((fault) => fault.of === "graph" && ENDED.has(fault.kind) && accountsFor(fault));
  if (hole.reason === "late") return before.find((fault) => isBeforeIntake(fault) && accountsFor(fault));
  if (hole.reason === "too-many") return missing > maxReplayed ? before.at(-1) : undefined;
  if (OF_A_LOST_HISTORY.has(hole.reason)) return before.find(({ kind }) => kind === "disk");
  return undefined;
}

/** Returns why a plain event that no resync covers may have been lost, or undefined if it may not. */
export function causeOfLoss(
  { state, publishedMs, atMs }: Published,
  faults: readonly InjectedFault[],
): string | undefined {
  if (state === "stored") return undefined;
  const cause = faults.findLast(
    ({ of, kind, fromMs, recoveredMs }) =>
      LOSES[of]?.has(kind) === true && atMs >= fromMs - ON_ITS_WAY_MS && publishedMs <= recoveredMs,
  );
  if (cause === undefined) return undefined;
  return `${cause.of} ${cause.kind}${publishedMs > cause.toMs ? " (published after it)" : ""}`;
}

/**
 * Whether a cursor may sort before an earlier one because an edge's clock was set: the earlier one came from
 * an edge that was ahead, or the later one comes from an edge that is behind. An edge resumes from a cursor
 * that is far ahead of its own clock, but does not adopt the cursor's time.
 */
export function isOfAnotherClock({ earlier, atMs }: CursorBack, faults: readonly InjectedFault[]): boolean {
  const stamp = parseCursor(earlier)?.stamp ?? 0;
  if (stamp / STAMPS_PER_MS > atMs + MAX_AHEAD_MS) return true;
  return faults.some(
    ({ of, clockMs, fromMs, toMs }) =>
      of === "edge" && clockMs < 0 && fromMs <= atMs && atMs <= toMs + SLACK_MS,
  );
}

/** Whether it may keep what was published from reaching the graph. */
function isBeforeIntake({ of, kind }: InjectedFault): boolean {
  return of === "nats" || of === "route" || (of === "graph" && kind !== "clock" && kind !== "lossy");
}

/** When a fault began, or an earlier one from which the site had not recovered, or only just, by then. */
function beginOf(fault: InjectedFault, faults: readonly InjectedFault[]): number {
  let beganMs = fault.fromMs;
  for (const { fromMs, recoveredMs } of [...faults].sort((a, b) => b.fromMs - a.fromMs))
    if (fromMs < beganMs && recoveredMs + NOTED_EVERY_MS >= beganMs) beganMs = fromMs;
  return beganMs;
}
