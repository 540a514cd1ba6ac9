// The degree distribution as a picture on log-log axes, where a power law is a straight line. Degrees are counted in
// bins that grow by a twentieth of a decade, so that the few users with very many friends make points and not noise.

import { drawLogChart, type LogPoint } from "../charts/log-chart.ts";
import type { GraphShapeReport } from "./check.ts";
import type { Degrees } from "./degrees.ts";
import type { PowerLaw } from "./exponent.ts";

const BINS_A_DECADE = 20;

/** The picture as SVG, a few kilobytes. @param title what graph it is */
export function drawDegrees(
  { degrees, powerLaw, users, friendships }: GraphShapeReport,
  title: string,
): string {
  const number = (value: number): string => value.toLocaleString("en");
  const notes = [
    `${number(users)} users, ${number(friendships)} friendships`,
    `friends a user: ${number(degrees.min)} at least, ${number(degrees.quantile(0.5))} the median, ` +
      `${degrees.mean.toFixed(1)} on average, ${number(degrees.max)} at most`,
  ];
  const points = binDegrees(degrees);
  return drawLogChart({
    ...{ title, notes, x: "friends (degree)", y: "part of the users that has so many friends" },
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

/** [degree, part of the users with it], averaged over each bin. */
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

/** From the lowest degree that was fitted to the highest there is, as much of it as users lie there. */
function lineOf({ exponent, from, users: fitted }: PowerLaw, { users, max }: Degrees): LogPoint[] {
  const density = (degree: number): number =>
    ((fitted / users) * (exponent - 1) * (degree / (from - 0.5)) ** -exponent) / (from - 0.5);
  return [from, max].map((degree) => [degree, density(degree)]);
}
