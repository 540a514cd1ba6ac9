// Draws the degree distribution on log-log axes, where a power law is a straight line. Degrees are counted in
// bins that grow by a twentieth of a decade, so that the few users with very many friends give points instead
// of noise.

import { drawLogChart, type LogPoint } from "../charts/log-chart.ts";
import type { GraphShapeReport } from "./check.ts";
import type { Degrees } from "./degrees.ts";
import type { PowerLaw } from "./exponent.ts";

const BINS_A_DECADE = 20;

/** Returns the chart as SVG of a few kilobytes. @param title names the graph */
export function drawDegrees(
  { degrees, powerLaw, users, friendships }: GraphShapeReport,
  title: string,
): string {
  const number = (value: number): string => value.toLocaleString("en");
  const notes = [
    `${number(users)} users, ${number(friendships)} friendships`,
    `friends per user: minimum ${number(degrees.min)}, median ${number(degrees.quantile(0.5))}, ` +
      `mean ${degrees.mean.toFixed(1)}, maximum ${number(degrees.max)}`,
  ];
  const points = binDegrees(degrees);
  return drawLogChart({
    ...{ title, notes, x: "friends (degree)", y: "share of users with this many friends" },
    dots: { label: "users, in logarithmic bins", points },
    ...(powerLaw === undefined
      ? {}
      : {
          line: {
            label: `power law with exponent ${powerLaw.exponent.toFixed(3)}, fitted from degree ${number(powerLaw.from)} on`,
            points: lineOf(powerLaw, degrees),
          },
        }),
  });
}

/** Returns [degree, share of users with it], averaged over each bin. */
export function binDegrees({ counts, users, min, max }: Degrees): LogPoint[] {
  const points: LogPoint[] = [];
  let index = 0;
  for (let from = min; from <= max; ) {
    const to = Math.max(from + 1, Math.ceil(from * 10 ** (1 / BINS_A_DECADE)));
    let inBin = 0;
    for (let next = counts[index]; next !== undefined && next[0] < to; next = counts[index]) {
      inBin += next[1];
      index += 1;
    }
    if (inBin > 0) points.push([Math.sqrt(from * (to - 1)), inBin / users / (to - from)]);
    from = to;
  }
  return points;
}

/**
 * The fitted line, from the lowest fitted degree to the highest degree, scaled to the share of users in that
 * range.
 */
function lineOf({ exponent, from, users: fitted }: PowerLaw, { users, max }: Degrees): LogPoint[] {
  const density = (degree: number): number =>
    ((fitted / users) * (exponent - 1) * (degree / (from - 0.5)) ** -exponent) / (from - 0.5);
  return [from, max].map((degree) => [degree, density(degree)]);
}
