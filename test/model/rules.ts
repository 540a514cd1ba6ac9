// Rules of the protocol, which the model can disable one at a time. A rule whose absence no walk detects is
// unnecessary or untested.

export interface Rules {
  /** A resuming stream goes live only when no long event up to its seam is open any more. */
  readonly waitForOpen: boolean;
  /** Buffered events are written with cursors that include the replay before them. */
  readonly raiseBuffered: boolean;
  /**
   * A cursor that is ahead of the edge (because its reader was faster at another edge) moves the seam
   * forward.
   */
  readonly cursorAhead: boolean;
  /** An edge accepts a frame only if it directly follows the previous one. */
  readonly fromCheck: boolean;
  /** A released handle is removed from the lists collected for open long events. */
  readonly releaseGathered: boolean;
  /** An owner that no longer stores all of a gap reports that instead of sending the rest. */
  readonly historyBound: boolean;
  /** Copies of `subject` mode are held until the position that covers them has arrived. */
  readonly positionAfterCopies: boolean;
  /** The end of a follow removes its events from the edges' buffers. */
  readonly withdraw: boolean;
  /** An owner that is behind an edge at its start catches up before it serves that edge. */
  readonly lagging: boolean;
}

export const ALL_RULES: Rules = {
  waitForOpen: true,
  raiseBuffered: true,
  cursorAhead: true,
  fromCheck: true,
  releaseGathered: true,
  historyBound: true,
  positionAfterCopies: true,
  withdraw: true,
  lagging: true,
};
