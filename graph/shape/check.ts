// Reads an list of pairs as friendships and says what graph it is, without loading it: how many users, friendships and doubles,
// and how the degrees are distributed. Reads, checks and sorts as the loader does, in the same bounded memory.

import { FollowSorter } from "../load/follow-sorter.ts";
import type { FollowSource } from "../load/follow-source.ts";
import { type Gathered, gatherFollows } from "../load/gather.ts";
import type { Rows } from "../load/rows.ts";
import { Names } from "../store/names.ts";
import { Degrees } from "./degrees.ts";
import { fitPowerLaw, type PowerLaw } from "./exponent.ts";

export interface CheckOptions {
  /** For what does not fit into memory; made and removed. */
  readonly folder: string;
  readonly strict?: boolean;
  readonly onProgress?: (bytes: number, total: number) => void;
}

export interface GraphShapeReport extends Gathered {
  readonly users: number;
  /** Different friendships. */
  readonly friendships: number;
  /** Lines that an earlier one had already said, either way round. */
  readonly duplicates: number;
  readonly degrees: Degrees;
  readonly powerLaw: PowerLaw | undefined;
}

/** @throws GraphError BAD_FOLLOWS_FILE */
export async function checkFollows(source: FollowSource, options: CheckOptions): Promise<GraphShapeReport> {
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
    const degrees = new Degrees(lengths(sorter.finish().backward));
    const { users, mean } = degrees;
    const friendships = Math.round((users * mean) / 2);
    const duplicates = sorter.length - friendships;
    return { users, friendships, duplicates, degrees, powerLaw: fitPowerLaw(degrees), ...gathered };
  } finally {
    sorter.remove();
  }
}

function* lengths(rows: Rows): Generator<number> {
  for (const { ids } of rows) yield ids.length;
}
