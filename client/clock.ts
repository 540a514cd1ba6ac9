// The clock of all waits: monotonic, so that setting the time of day changes nothing.

/** Returns milliseconds since some moment. */
export const now = (): number => performance.now();
