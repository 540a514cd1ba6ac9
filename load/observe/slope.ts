// The Theil–Sen slope: the median of the slopes between all pairs of points. Almost a third of the points may
// be outliers without changing it much. Its confidence interval is Sen's (1968), from Kendall's variance.

/** A point [x, y]. */
export type SlopePoint = readonly [number, number];

export interface Slope {
  /** Change of y per unit of x. */
  readonly perUnit: number;
  /** The 95 % confidence interval, if the points are independent. */
  readonly low: number;
  readonly high: number;
}

/** Quantile of the normal distribution for a two-sided 95 %. */
const Z95 = 1.96;

/**
 * Returns the slope; undefined with fewer than 3 points of different x. Sorts n²/2 slopes: 1 ms for 50
 * points, 1 s for 2,000.
 */
export function theilSen(points: readonly SlopePoint[]): Slope | undefined {
  const slopes: number[] = [];
  for (const [index, [x, y]] of points.entries())
    for (const [laterX, laterY] of points.slice(index + 1))
      if (laterX !== x) slopes.push((laterY - y) / (laterX - x));
  const n = points.length;
  if (n < 3 || slopes.length === 0) return undefined;
  slopes.sort((a, b) => a - b);
  const spread = Z95 * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  const lowest = Math.floor((slopes.length - spread) / 2);
  const highest = Math.ceil((slopes.length + spread) / 2);
  return {
    perUnit: median(slopes),
    low: slopes[Math.max(0, lowest)] ?? Number.NaN,
    high: slopes[Math.min(slopes.length - 1, highest)] ?? Number.NaN,
  };
}

/** Returns the median; NaN for an empty list. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
