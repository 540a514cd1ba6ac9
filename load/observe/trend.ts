// The verdict on a memory curve: whether it levels off or leaks, judged by the robust slope of its later
// part. A garbage collector's sawtooth is not a leak. So samples are grouped into blocks, of which only the
// median counts, and the growth must exceed that of an idle process. Only memory that is not backed by files
// is judged, because a process's share of its program's pages changes as other processes of the same program
// start and end.

import type { MemorySample } from "./memory-sample.ts";
import { median, type Slope, theilSen } from "./slope.ts";

export type Verdict =
  | "levels off" // the slope is below the threshold with 95 % confidence
  | "leaks" // it is above the threshold with 95 % confidence, and the run ends at its highest level
  | "undecided"; // neither; a longer run may decide

export interface Trend {
  readonly verdict: Verdict;
  /** KB per minute, with its 95 % interval; undefined if there were too few samples. */
  readonly slope: Slope | undefined;
  /** KB per minute; a greater slope is a leak. */
  readonly threshold: number;
  readonly medianKb: number;
  /** The part that was judged. */
  readonly minutes: number;
  readonly samples: number;
}

/**
 * Number of blocks in the judged part: enough for a narrow interval, and long enough to contain several teeth
 * of a sawtooth.
 */
const BLOCKS = 40;
/** With fewer blocks the verdict is undecided. */
const MIN_BLOCKS = 8;
/**
 * What a healthy process may gain in the judged part: heap pages that fill, code that is compiled. So a long
 * run detects slower leaks than a short one; the report states the threshold.
 */
const ALLOWED = { part: 0.02, kb: 1_024 };
/** The lowest threshold, 11 MB per day. */
const MIN_THRESHOLD = 8;

/** @param fromMs samples before this time are not judged; by default the first half */
export function judgeTrend(samples: readonly MemorySample[], fromMs: number = middleOf(samples)): Trend {
  const judged = samples.filter(({ timeMs }) => timeMs >= fromMs);
  const minutes = ((judged.at(-1)?.timeMs ?? 0) - (judged[0]?.timeMs ?? 0)) / 60_000;
  const medianKb = median(judged.map(({ anonKb }) => anonKb));
  const threshold = Math.max(MIN_THRESHOLD, (medianKb * ALLOWED.part + ALLOWED.kb) / minutes);
  const blocks = blocksOf(judged);
  const slope = blocks.length < MIN_BLOCKS ? undefined : theilSen(blocks);
  const lastQuarter = judged.slice(-Math.ceil(judged.length / 4));
  const earlier = blocksOf(samples.slice(0, samples.length - lastQuarter.length)).map(([, kb]) => kb);
  // a rise that stays below an earlier level may be one slow tooth of a sawtooth
  const climbs = median(lastQuarter.map(({ anonKb }) => anonKb)) > Math.max(...earlier);
  return {
    verdict: verdictOf(slope, threshold, climbs),
    slope,
    threshold,
    medianKb,
    minutes,
    samples: judged.length,
  };
}

function verdictOf(slope: Slope | undefined, threshold: number, climbs: boolean): Verdict {
  if (slope === undefined) return "undecided";
  if (slope.low > threshold && climbs) return "leaks";
  return slope.high <= threshold ? "levels off" : "undecided";
}

/** Returns [minutes, KB] of each block, both as medians. */
function blocksOf(samples: readonly MemorySample[]): [number, number][] {
  const size = Math.max(1, Math.ceil(samples.length / BLOCKS));
  const blocks: [number, number][] = [];
  for (let from = 0; from + size <= samples.length; from += size) {
    const some = samples.slice(from, from + size);
    blocks.push([
      median(some.map(({ timeMs }) => timeMs)) / 60_000,
      median(some.map(({ anonKb }) => anonKb)),
    ]);
  }
  return blocks;
}

function middleOf(samples: readonly MemorySample[]): number {
  return ((samples[0]?.timeMs ?? 0) + (samples.at(-1)?.timeMs ?? 0)) / 2;
}
