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
  /** The user's tag. */
  readonly user: number;
}

/**
 * Returns the ordinals of the rows that may concern a user, ascending: all holes, and the rows whose tags
 * match. Two names can share a tag, so the caller compares the names. Returns more than `max` ordinals if
 * there are more, so that the caller can tell.
 */
export function findMissed(
  rows: StoredRows,
  partition: number,
  { topics, user }: UserTags,
  after: ReceivedUpTo,
  upTo: Position,
  max: number,
): number[] {
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
  walk(ROW_KIND.direct, user);
  for (const ordinal of rows.holes) {
    const place = placement.placeAt(ordinal);
    if (placement.partitionAt(ordinal) === partition && place >= from && place <= to) found.push(ordinal);
  }
  return found.sort((one, other) => one - other);
}
