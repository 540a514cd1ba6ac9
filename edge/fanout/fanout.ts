// How events reach this edge: the contract of both fan-out modes. The mode is configured at the edge and
// announced with its presence. The admission bounds the number of joins, and JOIN_MS their duration.

import type { UserId } from "../../broker/contract.ts";

export interface FanoutCounts {
  /** Messages that arrived for users of this edge. */
  messages: number;
  /** Of these, messages that were dropped as malformed or outdated. */
  rejected: number;
}

/**
 * By partition, the sequence after which every event for some users arrives here. This edge's own position
 * may be lower. A partition without an entry has no floor.
 */
export type Floor = readonly number[];

export const NO_FLOOR: Floor = [];

export interface Fanout {
  /**
   * Makes users reachable. Resolves with the floor once everything that is published for them after it
   * arrives here, or with undefined after JOIN_MS. Each join must be undone by one `leave`. Joins are
   * counted, so several streams of one user are a single user to the network.
   */
  join(users: readonly UserId[]): Promise<Floor | undefined>;
  leave(users: readonly UserId[]): void;
}
