// The verdict on a memory curve: does it level off, or does it leak? Judged by the robust slope of its later part. A
// garbage collector's sawtooth is not a leak: neighbouring samples are put together into blocks, of which the median
// counts, and the growth must be more than a process at rest shows. It is the memory that is no file that is judged: the share that a
// process has in its program's pages moves as other processes of the same program come and go.

import type { MemorySample } from "./memory-sample.ts";
import { median, type Slope, theilSen } from "./slope.ts";

export type Verdict =
  | "levels off" // the slope is below the threshold with 95 % confidence
  | "leaks" // it is above it with 95 % confidence, and the run ends higher than it ever was before
  | "undecided"; // neither: run longer

export interface Trend {
  readonly verdict: Verdict;
  /** KB a minute, with its 95 % interval; undefined where there was too little to judge. */
  readonly slope: Slope | undefined;
  /** KB a minute: a slope above is a leak. */
  readonly threshold: number;
  readonly medianKb: number;
  /** What was judged. */
  readonly minutes: number;
  readonly samples: number;
}

/** Blocks of the judged part: enough for a narrow interval, each long enough to hold some teeth of a saw. */
const BLOCKS = 40;
/** Fewer blocks than this say nothing. */
const MIN_BLOCKS = 8;
/**
 * What a healthy process may still gain over the judged part: heap pages that fill, code that is compiled. A long run
 * therefore sees slower leaks than a short one; the report states the threshold.
 */
const ALLOWED = { part: 0.02, kb: 1_024 };
/** No run is asked to see less than 11 MB a day. */
const MIN_THRESHOLD = 8;

/** @param fromMs samples before are not judged; by default those of the first half */
export function judgeTrend(samples: readonly MemorySample[], fromMs: number = middleOf(samples)): Trend {
  const judged = samples.filter(({ timeMs }) => timeMs >= fromMs);
  const minutes = ((judged.at(-1)?.timeMs ?? 0) - (judged[0]?.timeMs ?? 0)) / 60_000;
  const medianKb = median(judged.map(({ anonKb }) => anonKb));
  const threshold = Math.max(MIN_THRESHOLD, (medianKb * ALLOWED.part + ALLOWED.kb) / minutes);
  const blocks = blocksOf(judged);
  const slope = blocks.length < MIN_BLOCKS ? undefined : theilSen(blocks);
  const lastQuarter = judged.slice(-Math.ceil(judged.length / 4));
  const earlier = blocksOf(samples.slice(0, samples.length - lastQuarter.length)).map(([, kb]) => kb);
  // a rise that stays below an earlier height may be one slow tooth of a saw
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

/** [minutes, KB] of each block: medians of both. */
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
