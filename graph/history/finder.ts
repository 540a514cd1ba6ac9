// Finds what one user missed in one partition: the events of the user's topics and the messages to the user,
// after one position and up to another. It follows the chains of these names, so its cost depends on the
// number of missed rows and not on the size of the history: about 5 µs for 30 names. Stateless.

import { ROW_KIND, type RowKind } from "./row.ts";
import type { Position } from "./sequences.ts";
import type { StoredRows } from "./stored-rows.ts";

/** What a reader has received: everything up to a position, except the events that were still being sent. */
export interface ReceivedUpTo extends Position {
  /** Sequence numbers of the events still being sent, in the same epoch and not above `sequence`. */
  readonly open: readonly number[];
}

/** The names whose rows concern a user, as tags. */
export interface UserTags {
  /** Tags of the topics that the user follows, and of the user's own topic. */
  readonly topics: Iterable<number>;
  /** The user's tag; undefined if messages to the user belong to another partition. */
  readonly user: number | undefined;
}

/** The rows that may concern a user. */
export interface Missed {
  /** Their ordinals, ascending. */
  readonly ordinals: number[];
  /** How many of them are events or messages: at least `max` + 1 if there are more than `max`. */
  readonly events: number;
}

/**
 * Returns the rows that may concern a user: all holes, and the events and messages whose tags match. Two
 * names can share a tag, so the caller compares the names. Stops once it has found more than `max` events.
 */
export function findMissed(
  rows: StoredRows,
  partition: number,
  { topics, user }: UserTags,
  after: ReceivedUpTo,
  upTo: Position,
  max: number,
): Missed {
  const found: number[] = [];
  const { from, to } = rows.placesBetween(partition, after, upTo);
  const { chain, placement } = rows;
  const open = after.open.map((sequence) => rows.placeOf(partition, { epoch: after.epoch, sequence }));
  const earliest = Math.min(from, ...open);
  const walk = (kind: RowKind, tag: number): void => {
    for (let ordinal = chain.newest(kind, tag); ordinal !== 0; ordinal = chain.previous(ordinal)) {
      if (placement.partitionAt(ordinal) !== partition) continue; // another name with the same tag
      const place = placement.placeAt(ordinal);
      if (place < earliest) return;
      if (place > to || (place < from && !open.includes(place))) continue;
      found.push(ordinal);
      if (found.length > max) return;
    }
  };
  for (const tag of topics) {
    walk(ROW_KIND.event, tag);
    if (found.length > max) break;
  }
  if (user !== undefined) walk(ROW_KIND.direct, user);
  const events = found.length;
  for (const ordinal of rows.holes) {
    const place = placement.placeAt(ordinal);
    if (placement.partitionAt(ordinal) === partition && place >= from && place <= to) found.push(ordinal);
  }
  return { ordinals: found.sort((one, other) => one - other), events };
}
