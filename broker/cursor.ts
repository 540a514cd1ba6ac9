// Stream positions. A cursor is what a reader hands back to say "I have seen everything up to here". Partitions
// deliver in no common order, so it is not an event's id: it is the newest position of every partition that this
// reader's edge has passed on. To readers it is opaque; they may only store it and send it back.

import type { EventPosition } from "./event-id.ts";

/** Longest cursor; more partitions than fit make the oldest positions fall out (a resume then starts earlier). */
export const MAX_CURSOR_BYTES = 256;

/** Longest part of one partition: three numbers of at most 11 base-36 digits, and what stands between and behind. */
const LONGEST_PART = 36;

/** Before the first event. */
const START = "0";

/** The newest position seen in each partition, by one edge. Not shared between processes. */
export class StreamPosition {
  /** Partition → its part of the cursor; the one that moved last stands last. */
  readonly #parts = new Map<number, string>();
  #cursor = START;

  /** The cursor of everything seen so far. */
  get cursor(): string {
    return this.#cursor;
  }

  /** Moves to `at` and answers the cursor that includes it. O(partitions). */
  advance(at: EventPosition): string {
    const part = `${at.partition.toString(36)}.${at.epoch.toString(36)}.${at.sequence.toString(36)}`;
    this.#cursor = this.before(at.partition) + part;
    this.#parts.delete(at.partition);
    this.#parts.set(at.partition, part);
    const kept = this.#cursor.split("~").length;
    for (const partition of [...this.#parts.keys()].slice(0, -kept)) this.#parts.delete(partition);
    return this.#cursor;
  }

  /**
   * What stands before the part of one partition in the cursors of its events: a cursor is this and the event's id with
   * dots for dashes. O(partitions).
   */
  before(partition: number): string {
    const others: string[] = [];
    let length = LONGEST_PART;
    for (const [other, part] of [...this.#parts].reverse()) {
      if (other === partition) continue;
      length += part.length + 1;
      if (length > MAX_CURSOR_BYTES) break;
      others.unshift(part);
    }
    return others.map((part) => `${part}~`).join("");
  }
}
