// The epoch of the sequence numbers in a history. It is stored both in the history's directory and in the
// graph's. If the history has none or an earlier one than the graph, the history was lost or restored from an
// older copy, and a new epoch begins, so that no event id is used for two events. The first epoch is taken
// from the clock, so the epochs of different directories differ.

import { type Database, numberOperation, readNumber, writeBatch } from "../store/database.ts";
import { META } from "./keys.ts";

/** The first epoch is the time since 1970 in units of 1,024 ms. */
const UNIT_MS = 1_024;

export interface Epoch {
  readonly epoch: number;
  /** True if ids of earlier epochs may exist that this history does not hold. */
  readonly mayLackEvents: boolean;
}

/**
 * Returns the epoch of a history and begins a new one if necessary. The epoch is on disk when the promise
 * resolves.
 * @param lastEpoch the epoch stored in the graph's directory, 0 if none is
 */
export async function resolveEpoch(db: Database, lastEpoch: number): Promise<Epoch> {
  const stored = readNumber((key) => db.getSync(key), META.epoch);
  if (stored !== 0 && stored >= lastEpoch) return { epoch: stored, mayLackEvents: false };
  const epoch = Math.max(Math.floor(Date.now() / UNIT_MS), lastEpoch + 1, stored + 1);
  await writeBatch(db, [numberOperation(META.epoch, epoch)], true);
  return { epoch, mayLackEvents: lastEpoch > 0 || stored > 0 };
}
