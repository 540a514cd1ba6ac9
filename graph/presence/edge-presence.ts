// The state of one edge's presence as the graph has received it: the fan-out mode, the epoch, and the last
// delta. Written by the presence receiver alone and read by the fan-out.

import type { EdgePosition, FanoutMode, PresenceMessage } from "../../broker/index.ts";

/** The position of a message in its edge's presence. */
type Place = Pick<Extract<PresenceMessage, { type: "beat" }>, "epoch" | "sequence">;

/** Replaces the sequence after a delta of the epoch was missed. */
const MISSED = -1;

export class EdgePresence {
  #mode: FanoutMode;
  #epoch = 0;
  #sequence = MISSED;
  #isComplete = false;
  #isInStep = false;
  #positions: readonly EdgePosition[] = [];

  constructor(mode: FanoutMode) {
    this.#mode = mode;
  }

  get mode(): FanoutMode {
    return this.#mode;
  }

  /** The edge's presence epoch, in which its handles are valid. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Whether the present epoch has begun. */
  get hasBegun(): boolean {
    return this.#sequence !== MISSED;
  }

  /** Whether every user with whom the epoch began is known. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Whether the edge receives events as they begin: it was sent everything that began before. */
  get isInStep(): boolean {
    return this.#isInStep;
  }

  /** The number of the last delta that was received. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Returns what the edge had received in a partition when the epoch began; undefined if nothing. */
  positionIn(partition: number): EdgePosition | undefined {
    return this.#positions.find((position) => position.partition === partition);
  }

  /** Returns whether this delta begins an epoch. */
  isBegunBy({ epoch, sequence }: Place): boolean {
    return epoch > this.#epoch && sequence === 1;
  }

  /** Returns whether this is the present position. */
  isAt({ epoch, sequence }: Place): boolean {
    return epoch === this.#epoch && sequence === this.#sequence;
  }

  /** Returns whether this delta is the next one. */
  isContinuedBy({ epoch, sequence }: Place): boolean {
    return epoch === this.#epoch && this.#sequence !== MISSED && sequence === this.#sequence + 1;
  }

  /** Begins an epoch of which nothing is known yet. Handles of the previous epoch become invalid. */
  begin(mode: FanoutMode, epoch: number, positions: readonly EdgePosition[] = []): void {
    this.#mode = mode;
    this.#epoch = epoch;
    this.#sequence = 0;
    this.#isComplete = false;
    this.#isInStep = false;
    this.#positions = positions;
  }

  /**
   * Moves to the next delta.
   * @param isComplete whether all users of the epoch's beginning are known with it
   */
  advance(isComplete: boolean): void {
    this.#sequence += 1;
    if (isComplete) this.#isComplete = true;
  }

  /** Records that a complete edge was sent everything that is begun. */
  enterStep(): void {
    this.#isInStep = true;
  }

  /** Records that a delta was missed. No delta is accepted before an epoch after this one begins. */
  lose(epoch: number): void {
    this.begin(this.#mode, epoch);
    this.#sequence = MISSED;
  }
}
