// A time of day for measurements: the wall clock as it stood when this process began, advanced by the monotonic clock.
// Differences between two of these are true even where the wall clock was set in between; the date may then be wrong.

/** Milliseconds since 1970, of this process: never goes back. */
export function steadyTimeMs(): number {
  return performance.timeOrigin + performance.now();
}
