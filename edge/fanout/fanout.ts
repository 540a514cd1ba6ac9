// How events reach this edge: the contract of both fan-out modes. The mode is configured at the edge and
// announced with its presence. The admission bounds the number of joins, and JOIN_MS their duration.

import type { UserId } from "../../broker/contract.ts";

export interface FanoutCounts {
  /** Messages that arrived for users of this edge. */
  messages: number;
  /** Of these, messages that were dropped as malformed or outdated. */
  rejected: number;
}

export interface Fanout {
  readonly counts: FanoutCounts;
  /**
   * Makes users reachable: after it resolves with true, everything that is published for them arrives here.
   * It resolves with false after JOIN_MS without that certainty; the stream then starts anyway, with a
   * `resync`. Each join must be undone by one `leave`. Joins are counted, so several streams of one user are
   * a single user to the network.
   */
  join(users: readonly UserId[]): Promise<boolean>;
  leave(users: readonly UserId[]): void;
}
