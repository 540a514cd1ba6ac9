// The epoch of the sequence numbers in a history. It is stored both in the history's directory and in the
// graph's. If the history has none or an earlier one than the graph, the history was lost or restored from an
// older copy, and a new epoch begins, so that no event id is used for two events. The first epoch is taken
// from the clock, so the epochs of different directories differ. Where streams number the events, each
// partition's epoch is that of its stream (intake/stream-epochs.ts), and the one stored here is the highest.

import { type Database, numberOperation, readNumber, writeBatch } from "../store/database.ts";
import { META } from "./keys.ts";

/** Epochs that begin with the clock's time are in units of 1,024 ms. */
const UNIT_MS = 1_024;

/** Returns the epoch that begins at a time, in milliseconds since 1970. */
export function epochAt(timeMs: number): number {
  return Math.floor(timeMs / UNIT_MS);
}

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
  const stored = readEpoch(db);
  if (stored !== 0 && stored >= lastEpoch) return { epoch: stored, mayLackEvents: false };
  const epoch = Math.max(epochAt(Date.now()), lastEpoch + 1, stored + 1);
  await noteEpoch(db, epoch);
  return { epoch, mayLackEvents: lastEpoch > 0 || stored > 0 };
}

/** Returns the highest epoch of the rows; 0 in a new history. */
export function readEpoch(db: Database): number {
  return readNumber((key) => db.getSync(key), META.epoch);
}

/** Stores a higher epoch. Synced. */
export async function noteEpoch(db: Database, epoch: number): Promise<void> {
  await writeBatch(db, [numberOperation(META.epoch, epoch)], true);
}
