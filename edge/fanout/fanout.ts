// How events reach this edge. One contract; the mode is chosen at the edge and announced with its presence. Who joins is
// bounded by the admission, a wait by JOIN_MS.

import type { UserId } from "../../broker/contract.ts";

export interface FanoutCounts {
  /** Messages that arrived for users of this edge. */
  messages: number;
  /** Of them: dropped, because they were not of the form that the fan-out or a producer may send. */
  rejected: number;
}

export interface Fanout {
  readonly counts: FanoutCounts;
  /**
   * Makes users reachable: once it resolves with true, whatever is published for them arrives here. False after
   * JOIN_MS without that certainty; the stream then starts all the same and says `resync`. Every join is undone by
   * one `leave`, and it counts: several streams of one user are one user to the network.
   */
  join(users: readonly UserId[]): Promise<boolean>;
  leave(users: readonly UserId[]): void;
}
