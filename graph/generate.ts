// Generates the Barabási–Albert graph of the article's data set: users arrive one by one, and each befriends
// `friends` earlier users, preferring those with many friends. Matches igraph's default (psumtree, power 1,
// zero appeal 1): the probability of a user is proportional to its degree + 1, and a newcomer chooses no user
// twice. The same seed yields the same graph. Takes 4 bytes of memory per friendship.

import { Random } from "./random.ts";

export interface GraphShape {
  /** The number of users; their ids are 1 … users. */
  readonly users: number;
  /** The number of friends that each newcomer chooses. The first newcomers choose all users that exist. */
  readonly friends: number;
  readonly seed: number;
}

/** Returns the number of friendships in a graph of this shape. */
export function countFriendships({ users, friends }: GraphShape): number {
  const early = Math.min(users, friends);
  return (early * (early - 1)) / 2 + Math.max(0, users - friends) * friends;
}

/** A user and the earlier users befriended on arrival. */
export interface Newcomer {
  readonly id: number;
  /** A view, valid until the next newcomer is generated. */
  readonly friends: Uint32Array;
}

/**
 * Generates every user but the first, in order of arrival. Choosing with a probability proportional to degree
 * + 1 is the same as choosing uniformly among the ends of all friendships and all users.
 */
export function* generateFriendships(shape: GraphShape): Generator<Newcomer, void, void> {
  const { users, friends: each } = shape;
  const random = new Random(shape.seed);
  /** The older end of each friendship, counted from 0. The newer end follows from the position. */
  const olderEnds = new Uint32Array(countFriendships(shape));
  const chosen = new Uint32Array(each);
  const friends = new Uint32Array(each);
  /** Friendships of the first newcomers, who have fewer than `friends` users to choose from. */
  const earlyFriendships = countFriendships({ ...shape, users: Math.min(users, each) });
  let count = 0;

  const newerEnd = (edge: number): number => {
    if (edge >= earlyFriendships) return each + Math.floor((edge - earlyFriendships) / each);
    return Math.floor((1 + Math.sqrt(1 + 8 * edge)) / 2);
  };
  const pick = (newcomer: number): number => {
    const ticket = random.below(2 * count + newcomer);
    if (ticket >= 2 * count) return ticket - 2 * count;
    const edge = ticket >>> 1;
    return ticket % 2 === 0 ? (olderEnds[edge] as number) : newerEnd(edge);
  };

  for (let newcomer = 1; newcomer < users; newcomer += 1) {
    const wanted = Math.min(newcomer, each);
    for (let found = 0; found < wanted; ) {
      const candidate = wanted === newcomer ? found : pick(newcomer);
      if (includes(chosen, found, candidate)) continue;
      chosen[found] = candidate;
      found += 1;
    }
    for (let i = 0; i < wanted; i += 1) {
      olderEnds[count + i] = chosen[i] as number;
      friends[i] = (chosen[i] as number) + 1;
    }
    count += wanted;
    yield { id: newcomer + 1, friends: wanted === each ? friends : friends.subarray(0, wanted) };
  }
}

function includes(chosen: Uint32Array, length: number, user: number): boolean {
  for (let i = 0; i < length; i += 1) if (chosen[i] === user) return true;
  return false;
}
