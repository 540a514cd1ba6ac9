// The exponent of a power law, p(k) ~ k^-a for k >= from, by maximum likelihood: a = 1 + n / sum(ln(k / (from
// - 1/2))). This is the continuous approximation for integers, equation 3.7 in Clauset, Shalizi, Newman,
// "Power-law distributions in empirical data", SIAM Review 51 (2009). It is accurate to one percent if `from`
// is at least 6.

import type { Degrees } from "./degrees.ts";

/**
 * The tail that is fitted begins at this multiple of the lowest degree, from which a Barabási–Albert graph
 * follows the law.
 */
const TAIL_FROM = 4;

export interface PowerLaw {
  readonly exponent: number;
  /** Standard error, (a - 1) / sqrt(n). */
  readonly error: number;
  /** The lowest degree in the fit. */
  readonly from: number;
  /** Number of users with that degree or more: n. */
  readonly users: number;
}

/** Fits the exponent; undefined if no user is in the tail. */
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
