// What graph a list of pairs is: how many users, friendships and doubles, and how the degrees are distributed.

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
  /** Different friendships. */
  readonly friendships: number;
  /** Lines that an earlier one had already said, either way round. */
  readonly duplicates: number;
  readonly degrees: Degrees;
  readonly powerLaw: PowerLaw | undefined;
}

/** @throws GraphError BAD_FOLLOWS_FILE */
export async function checkFollows(source: FollowSource, options: CountOptions): Promise<GraphShapeReport> {
  const { friends, pairs, ...gathered } = await countFriends(source, options);
  const degrees = new Degrees(friends);
  const { users, mean } = degrees;
  const friendships = Math.round((users * mean) / 2);
  const powerLaw = fitPowerLaw(degrees);
  return { users, friendships, duplicates: pairs - friendships, degrees, powerLaw, ...gathered };
}
