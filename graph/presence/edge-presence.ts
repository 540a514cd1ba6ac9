// How far the graph follows one edge's presence: its fan-out mode, the epoch, the last delta of it that arrived. Written by
// the presence receiver alone; the fan-out reads it.

import type { FanoutMode, PresenceMessage } from "../../broker/index.ts";

/** Where a message stands in its edge's presence. */
type Place = Pick<Extract<PresenceMessage, { type: "beat" }>, "epoch" | "sequence">;

/** In place of a sequence: something of this epoch was missed. */
const MISSED = -1;

export class EdgePresence {
  #mode: FanoutMode;
  #epoch = 0;
  #sequence = MISSED;
  #isInStep = false;

  constructor(mode: FanoutMode) {
    this.#mode = mode;
  }

  get mode(): FanoutMode {
    return this.#mode;
  }

  /** The edge's presence epoch, in which its handles hold. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Every user of the edge is known: its copies may go by handle. */
  get isInStep(): boolean {
    return this.#isInStep;
  }

  /** Whether this delta begins an epoch. */
  isBegunBy({ epoch, sequence }: Place): boolean {
    return epoch > this.#epoch && sequence === 1;
  }

  /** Whether this is where the graph stands. */
  isAt({ epoch, sequence }: Place): boolean {
    return epoch === this.#epoch && sequence === this.#sequence;
  }

  /** Whether this delta is the next. */
  isFollowedBy({ epoch, sequence }: Place): boolean {
    return epoch === this.#epoch && this.#sequence !== MISSED && sequence === this.#sequence + 1;
  }

  /** Begins an epoch, of which nothing is known yet. Handles of the one before are void. */
  begin(mode: FanoutMode, epoch: number): void {
    this.#mode = mode;
    this.#epoch = epoch;
    this.#sequence = 0;
    this.#isInStep = false;
  }

  /** Moves to the next delta. @param isComplete it is the last of the epoch's beginning, or a later one */
  advance(isComplete: boolean): void {
    this.#sequence += 1;
    if (isComplete) this.#isInStep = true;
  }

  /** Something was missed: nothing follows before an epoch after this one. */
  lose(epoch: number): void {
    this.begin(this.#mode, epoch);
    this.#sequence = MISSED;
  }
}
