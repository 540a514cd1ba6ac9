// Stream positions. A cursor is what a reader hands back to say "I have seen everything up to here". Partitions
// deliver in no common order, so it is not an event's id: it is the newest position of every partition that this
// reader's edge has passed on. To readers it is opaque; they may only store it and send it back.

import { type EventPosition, parseEventId } from "./event-id.ts";

/** Longest cursor; more partitions than fit make the oldest positions fall out (a resume then starts earlier). */
export const MAX_CURSOR_BYTES = 256;

/** Longest part of one partition: three numbers of at most 11 base-36 digits, and what stands between and behind. */
const LONGEST_PART = 36;

/** The cursor of a reader to whom no event was written: it comes before all others. */
export const START_CURSOR = "0";

/**
 * Reads a cursor that a reader handed back and returns it as this file writes it; undefined for anything that a
 * `StreamPosition` cannot have written. What stands in a stream again is this, never the text that came.
 */
export function parseCursor(text: string): string | undefined {
  if (text.length > MAX_CURSOR_BYTES) return undefined;
  if (text === START_CURSOR) return START_CURSOR;
  const written: string[] = [];
  const partitions = new Set<number>();
  for (const part of text.split("~")) {
    const at = /[^0-9a-z.]/.test(part) ? undefined : parseEventId(part.replaceAll(".", "-"));
    if (at === undefined || partitions.has(at.partition)) return undefined;
    partitions.add(at.partition);
    written.push(formatPart(at));
  }
  const cursor = written.join("~");
  return cursor === text ? cursor : undefined;
}

function formatPart({ partition, epoch, sequence }: EventPosition): string {
  return `${partition.toString(36)}.${epoch.toString(36)}.${sequence.toString(36)}`;
}

/** The newest position seen in each partition, by one edge. Not shared between processes. */
export class StreamPosition {
  /** Partition → its part of the cursor; the one that moved last stands last. */
  readonly #parts = new Map<number, string>();
  #cursor = START_CURSOR;

  /** The cursor of everything seen so far. */
  get cursor(): string {
    return this.#cursor;
  }

  /** Moves to `at` and answers the cursor that includes it. O(partitions). */
  advance(at: EventPosition): string {
    const part = formatPart(at);
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
