// How fast time passes for a stream, and what decides about its waits. Tests set it, so that minutes of
// waiting take seconds; an application has no reason to.

export interface Pace {
  /** Every wait and every time-out is divided by this. */
  readonly speed?: number;
  /** Takes the place of `Math.random`. */
  readonly random?: () => number;
}
