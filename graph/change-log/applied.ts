// What a directory has applied of the change logs of its partitions, as rows of the store. They are written
// in the batch that applies records, so that no record is applied twice or skipped, and backups carry them.

import { type Database, numberOperation, type Operation } from "../store/database.ts";
import { LOG_PLACES, logPlaceKey, META } from "../store/keys.ts";

/** The place of a directory in the change log of one partition. */
export interface AppliedPlace {
  readonly partition: number;
  /** The number of partitions into which the topics were divided. */
  readonly of: number;
  /**
   * When the stream was created, in milliseconds since 1970: a stream of the same name may be another one.
   */
  readonly createdMs: number;
  /** The sequence of the last record that was applied; 0 if none was. */
  readonly sequence: number;
  /** The id of that record; absent if none was applied. */
  readonly record?: string;
  /**
   * The id of the layout record that this directory's service appends or has appended: the log continues from
   * the directory's rows. Stored before the record is appended, until it has been applied.
   */
  readonly layout?: string;
}

/** Returns the places that a directory has stored, by partition. */
export async function readPlaces(db: Database): Promise<ReadonlyMap<number, AppliedPlace>> {
  const values = await db.values({ ...LOG_PLACES }).all();
  const places = values.map((value) => JSON.parse(new TextDecoder().decode(value)) as AppliedPlace);
  return new Map(places.map((place) => [place.partition, place]));
}

export function placeOperation(place: AppliedPlace): Operation {
  const value = new TextEncoder().encode(JSON.stringify(place));
  return { type: "put", key: logPlaceKey(place.partition), value };
}

/** Returns whether the rows were changed without the change log, by a load or by a service without one. */
export function isOffLog(db: Database): boolean {
  return db.getSync(META.offLog) !== undefined;
}

/**
 * Returns the operation to write with changes that are not in the change log; undefined if the directory has
 * no place in one.
 */
export async function offLogOperation(db: Database): Promise<Operation | undefined> {
  const places = await db.keys({ ...LOG_PLACES, limit: 1 }).all();
  return places.length === 0 || isOffLog(db) ? undefined : numberOperation(META.offLog, 1);
}
