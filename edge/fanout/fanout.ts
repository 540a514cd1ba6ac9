// How events reach this edge. One contract; the mode is chosen at the edge and announced with its presence. Who joins is
// bounded by the admission, a wait by JOIN_MS.

import type { UserId } from "../../broker/contract.ts";
import type { FanoutMode } from "../../broker/index.ts";

export interface FanoutCounts {
  /** Messages that arrived for users of this edge. */
  messages: number;
  /** Of them: dropped, because they were not of the form that the fan-out or a producer may send. */
  rejected: number;
}

export interface Fanout {
  readonly mode: FanoutMode;
  readonly counts: FanoutCounts;
  /** The position of everything that has been passed on here. */
  readonly cursor: string;
  /**
   * Makes users reachable: once it resolves with true, whatever is published for them arrives here. False after
   * JOIN_MS without that certainty; the stream then starts all the same and says `resync`. Every join is undone by
   * one `leave`, and it counts: several streams of one user are one user to the network.
   */
  join(users: readonly UserId[]): Promise<boolean>;
  leave(users: readonly UserId[]): void;
}

/** How long a reader waits for its stream to be certain. */
export const JOIN_MS = 1_000;
