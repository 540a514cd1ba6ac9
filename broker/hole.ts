// Something that readers may have missed and that cannot be sent again: what a `resync` says.

/** Why readers may have missed events. docs/protocol.md describes each. */
export const RESYNC_REASONS = ["too-old", "too-many", "unknown-cursor", "late", "graph-restarted"] as const;
export type ResyncReason = (typeof RESYNC_REASONS)[number];

/** Something may be missing. */
export interface Hole {
  readonly reason: ResyncReason;
  /**
   * No event that may be missing has an earlier time. In the form of an event's `time`; absent if unknown.
   */
  readonly since?: string | undefined;
  /** The time of the oldest stored event. Absent if none is stored. */
  readonly oldest?: string | undefined;
}
