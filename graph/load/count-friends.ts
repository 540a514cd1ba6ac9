// Reads a list of pairs as friendships and tells how many friends each user has, without loading it. It
// reads, checks and sorts as the loader does, in the same bounded memory.

import { Names } from "../store/names.ts";
import { FollowSorter } from "./follow-sorter.ts";
import type { FollowSource } from "./follow-source.ts";
import { type Gathered, gatherFollows } from "./gather.ts";

export interface CountOptions {
  /** For what does not fit into memory; made and removed. */
  readonly folder: string;
  /** Stop at the first line that is no pair. */
  readonly strict?: boolean;
  readonly onProgress?: (bytes: number, total: number) => void;
}

export interface CountedFriends extends Gathered {
  /** Friends of each user, in no order; a friendship counts once, however often the list has it. */
  readonly friends: Uint32Array;
  /** Friendships in the list, repeated ones among them. */
  readonly pairs: number;
}

/** @throws GraphError BAD_FOLLOWS_FILE */
export async function countFriends(source: FollowSource, options: CountOptions): Promise<CountedFriends> {
  const { folder, strict, onProgress } = options;
  const sorter = new FollowSorter({ mutual: true, folder });
  try {
    const names = new Names(() => undefined).batch();
    const gathered = await gatherFollows(source, {
      ...{ kind: "friendships", strict },
      intern: (name) => names.intern(name),
      add: (from, to) => sorter.add(from, to),
      onProgress: (done, total) => onProgress?.(done, total),
    });
    const friends = Uint32Array.from(Array.from(sorter.finish().backward, ({ ids }) => ids.length));
    return { ...gathered, friends, pairs: sorter.length };
  } finally {
    sorter.remove();
  }
}
