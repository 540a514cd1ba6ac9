// The rules of the protocol that the model can leave out, one at a time: a rule whose absence no walk notices is not
// needed, or not tested.

export interface Rules {
  /** A resuming stream goes live when no long event up to its seam is open any more. */
  readonly waitForOpen: boolean;
  /** What was buffered goes out with cursors that include the replay before it. */
  readonly raiseBuffered: boolean;
  /** A cursor that is ahead of the edge (its reader was faster elsewhere) moves the seam forward. */
  readonly cursorAhead: boolean;
  /** An edge takes a frame only where it follows the one before. */
  readonly fromCheck: boolean;
  /** A handle that is released leaves the lists that are gathered for open long events. */
  readonly releaseGathered: boolean;
  /** An owner that no longer has all of a gap says so instead of sending the rest. */
  readonly historyBound: boolean;
  /** Copies of `subject` mode are held until the position that covers them has arrived. */
  readonly positionAfterCopies: boolean;
  /** A follow that ends takes its events out of the edges' buffers. */
  readonly withdraw: boolean;
  /** An owner that starts behind what an edge has catches up before it serves that edge. */
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
