// Why a stream ended, and whether its reader should come back. Metrics count by these; the last words of a stream
// that we end name them.

export const CLOSE_REASONS = {
  /** The reader closed, or half-closed: it wants nothing more. */
  peer: { reconnect: false },
  /** The connection broke. */
  error: { reconnect: true },
  /** More bytes waited for the reader than may; it was cut without last words, it would not have read them. */
  slow: { reconnect: true },
  /** Some bytes waited for the reader too long; likewise. */
  stalled: { reconnect: true },
  /** All readers together let too many bytes wait; those with the most were cut. */
  overload: { reconnect: true },
  /** The edge shuts down; others take over. */
  drain: { reconnect: true },
  /** The token ran out: come back with a new one. */
  expired: { reconnect: false },
  /** It lived as long as a stream may: back to any edge, so that a fleet evens out. */
  aged: { reconnect: true },
  /** The edge could not keep the stream. */
  refused: { reconnect: true },
} as const;

/** When readers of a stream that we ended come back: spread, so that they do not all meet the same next edge at once. */
export const COME_BACK_MS = { min: 500, spread: 4_500 } as const;

export type CloseReason = keyof typeof CLOSE_REASONS;
