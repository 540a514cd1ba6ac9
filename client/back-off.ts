// How long to wait before the next request. Random up to a bound that doubles with each failure ("full
// jitter"), so that the readers of an edge that died do not return all at once; from the seventh failure on
// at least half a minute. So there are at most 9 requests in the first minute, and 2 in each later one.

const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;
/** More failures than these, and half of the longest wait is certain. */
export const OFTEN = 6;
/** The longest `Retry-After` that is respected: a day. */
const MAX_ASKED_MS = 86_400_000;

/**
 * @param failures connections that have failed in a row
 * @param askedMs the time that the server demands, which may be anything that JSON can express
 * @param random returns a number from 0 to 1
 */
export function waitMs(failures: number, askedMs = 0, random: () => number = Math.random): number {
  const least = failures <= OFTEN ? 0 : LONGEST_MS / 2;
  const most = Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 1));
  return Math.max(Math.min(askedMs, MAX_ASKED_MS) || 0, least) + random() * (most - least);
}

/** Parses seconds, or a date by the sender's clock (RFC 9110, section 10.2.3). 0 if there is none. */
export function retryAfterMs(headers: Headers): number {
  const given = headers.get("Retry-After") ?? "";
  if (/^\d+$/.test(given)) return Number(given) * 1_000;
  const sent = Date.parse(headers.get("Date") ?? "") || Date.now();
  return Math.max(0, Date.parse(given) - sent) || 0;
}
