// Describes the graph in an edge list: its numbers of users, friendships and duplicates, and the distribution
// of degrees.

import {
  type CountedFriends,
  type CountOptions,
  countFriends,
  type FollowSource,
} from "../../graph/index.ts";
import { Degrees } from "./degrees.ts";
import { fitPowerLaw, type PowerLaw } from "./exponent.ts";

export interface GraphShapeReport extends Omit<CountedFriends, "friends" | "pairs"> {
  readonly users: number;
  /** Distinct friendships. */
  readonly friendships: number;
  /** Lines that repeat an earlier one, in either direction. */
  readonly duplicates: number;
  readonly degrees: Degrees;
  readonly powerLaw: PowerLaw | undefined;
}

/** Reads and describes an edge list. @throws GraphError BAD_FOLLOWS_FILE */
export async function checkFollows(source: FollowSource, options: CountOptions): Promise<GraphShapeReport> {
  const { friends, pairs, ...gathered } = await countFriends(source, options);
  const degrees = new Degrees(friends);
  const { users, mean } = degrees;
  const friendships = Math.round((users * mean) / 2);
  const powerLaw = fitPowerLaw(degrees);
  return { users, friendships, duplicates: pairs - friendships, degrees, powerLaw, ...gathered };
}
