// Time of day for measurements: the wall clock at the start of this process, advanced by the monotonic clock.
// Differences are correct even if the wall clock is set in between; the date may then be wrong.

/** Returns milliseconds since 1970. Never decreases within a process. */
export function steadyTimeMs(): number {
  return performance.timeOrigin + performance.now();
}
