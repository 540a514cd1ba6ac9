// The reasons for which a stream ends, and whether its reader should reconnect. Metrics count streams by
// reason, and the goodbye of a stream that the edge ends names it.

export const CLOSE_REASONS = {
  /** The reader closed or half-closed the connection. */
  peer: { reconnect: false },
  /** The connection broke. */
  error: { reconnect: true },
  /** Too many bytes waited for the reader. It was cut without a goodbye, which it would not have read. */
  slow: { reconnect: true },
  /** The reader took none of its waiting bytes for too long. It was cut without a goodbye. */
  stalled: { reconnect: true },
  /** Too many bytes waited for all readers together. Those with the most were cut. */
  overload: { reconnect: true },
  /** The edge stops, and other edges take over. */
  drain: { reconnect: true },
  /** The token expired; the reader may reconnect with a new one. */
  expired: { reconnect: false },
  /** The stream reached its maximum lifetime. Its reader reconnects to any edge, which balances a fleet. */
  aged: { reconnect: true },
  /** A graph service did not reply in time with the events that the reader missed. */
  busy: { reconnect: true },
  /** The edge could not hold the stream. */
  refused: { reconnect: true },
} as const;

/** The reasons for which a connection is reset because its reader does not keep up. */
export const RESETS: ReadonlySet<CloseReason> = new Set(["slow", "stalled", "overload"]);

/**
 * When readers of an ended stream reconnect: spread out, so that they do not all reach the next edge at once.
 */
export const COME_BACK_MS = { min: 500, spread: 4_500 } as const;

export type CloseReason = keyof typeof CLOSE_REASONS;

/** Returns a count of 0 for each reason. */
export function noCloses(): Record<CloseReason, number> {
  const counts = {} as Record<CloseReason, number>;
  for (const reason of Object.keys(CLOSE_REASONS)) counts[reason as CloseReason] = 0;
  return counts;
}
