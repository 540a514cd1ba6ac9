// Rules of leadership, which the model can disable one at a time. A rule whose absence no walk detects is
// unnecessary or untested.

export interface LeadershipRules {
  /** An edge refuses what a deposed leader sends: by its term, and by the presence epoch. */
  readonly fenceFrames: boolean;
  /** Every write names the last sequence that its writer has applied. */
  readonly compareAndSet: boolean;
  /** A standby counts silence in its own ticks instead of comparing clock readings. */
  readonly countTicks: boolean;
  /** The count of silence starts again after a late tick. */
  readonly restartAfterLateTick: boolean;
  /** Records of the current term in the log count as beats. */
  readonly recordsAreBeats: boolean;
  /** Only a service with complete rows leads. */
  readonly completeRows: boolean;
  /** A leader acts only while the log has confirmed its term lately. */
  readonly confirmTerm: boolean;
  /** A term is confirmed by an acknowledged write; a read may reach a node that was cut off. */
  readonly confirmByWrite: boolean;
  /** A leader whose term is not confirmed begins no events. Without the rule, it only refuses requests. */
  readonly confirmFanOut: boolean;
  /** A standby appends its term record right after the last record that it has applied. */
  readonly applyToEnd: boolean;
  /** A new term is higher than every term in the log, in a snapshot and at the edges. */
  readonly termsNeverGoBack: boolean;
  /** A leader steps down when an edge or a beat names a newer term. */
  readonly stepDown: boolean;
  /** A leader that hands over stops before it writes the record. */
  readonly freezeBeforeHandOver: boolean;
  /** A leader that is behind an edge catches up with the stream before it serves that edge. */
  readonly catchUpBeforeEdges: boolean;
}

export const ALL_LEADERSHIP_RULES: LeadershipRules = {
  fenceFrames: true,
  compareAndSet: true,
  countTicks: true,
  restartAfterLateTick: true,
  recordsAreBeats: true,
  completeRows: true,
  confirmTerm: true,
  confirmByWrite: true,
  confirmFanOut: true,
  applyToEnd: true,
  termsNeverGoBack: true,
  stepDown: true,
  freezeBeforeHandOver: true,
  catchUpBeforeEdges: true,
};
