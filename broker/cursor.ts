// Stream positions. A cursor is what a reader hands back to say "I have seen everything up to here". Partitions
// deliver in no common order, so it is not an event's id: it is the newest position of every partition that this
// reader's edge has passed on. To readers it is opaque; they may only store it and send it back.

import type { EventPosition } from "./event-id.ts";

/** Longest cursor; more partitions than fit make the oldest positions fall out (a resume then starts earlier). */
export const MAX_CURSOR_BYTES = 256;

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
    this.#parts.delete(at.partition);
    this.#parts.set(at.partition, part);
    let cursor = [...this.#parts.values()].join("~");
    while (cursor.length > MAX_CURSOR_BYTES) {
      const [oldest] = this.#parts.keys();
      if (oldest === undefined) break;
      this.#parts.delete(oldest);
      cursor = [...this.#parts.values()].join("~");
    }
    this.#cursor = cursor;
    return cursor;
  }
}
