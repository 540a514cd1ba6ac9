// The exponent of a power law, p(k) ~ k^-a for k >= from, by maximum likelihood: a = 1 + n / sum(ln(k / (from - 1/2))),
// the continuous approximation for whole numbers, equation 3.7 in Clauset, Shalizi, Newman, "Power-law distributions
// in empirical data", SIAM Review 51 (2009). Good to a percent where `from` is 6 or more.

import type { Degrees } from "./degrees.ts";

/** The law is that of the tail: it is fitted from so many times the lowest degree. A Barabási–Albert graph follows it there. */
const TAIL_FROM = 4;

export interface PowerLaw {
  readonly exponent: number;
  /** Standard error, (a - 1) / sqrt(n). */
  readonly error: number;
  /** The lowest degree that was fitted. */
  readonly from: number;
  /** Users of that degree or more: n. */
  readonly users: number;
}

/** undefined where nobody has so many friends. */
export function fitPowerLaw(degrees: Degrees, from: number = TAIL_FROM * degrees.min): PowerLaw | undefined {
  let users = 0;
  let logs = 0;
  for (const [degree, count] of degrees.counts) {
    if (degree < from) continue;
    users += count;
    logs += count * Math.log(degree / (from - 0.5));
  }
  if (users === 0) return undefined;
  const exponent = 1 + users / logs;
  return { exponent, error: (exponent - 1) / Math.sqrt(users), from, users };
}
