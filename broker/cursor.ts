// Event ids and cursors: the only file that formats or parses them.
//
// An event id is `<partition>-<epoch>-<sequence>`, three numbers in base 36. The owner of the partition
// issues it and never uses a position twice, so ids are unique across partitions and restarts. Within an
// epoch the sequence increases with each event; it skips numbers only after a crash. A new epoch begins if
// the history of events was lost or set back (graph/history/epoch.ts).
//
// A cursor is what a reader sends back to say "I have received everything up to here". Partitions deliver in
// no common order, so a cursor is not an event id: it is the newest position in each partition that the
// reader's edge has passed on, `<partition>.<epoch>.<sequence>` joined by `~`, the one that moved last at the
// end. Readers treat it as opaque. The native pool has a copy of `cursorOfEvent`
// (edge/pool/native/src/positions.h).

/** Maximum length of a cursor. With more partitions than fit, the oldest positions are left out. */
export const MAX_CURSOR_BYTES = 256;
/** Maximum length of an event id that is accepted in a frame. */
export const MAX_EVENT_ID_BYTES = 40;

/** Maximum length of one position: three numbers of at most 11 base-36 digits, two dots and a `~`. */
const MAX_POSITION_BYTES = 36;

/** The cursor of a reader that was sent no event: it precedes every other cursor. */
export const START_CURSOR = "0";

const ID = /^[0-9a-z]{1,11}-[0-9a-z]{1,11}-[0-9a-z]{1,11}$/;
const ID_CHARACTERS = /^[0-9a-z-]+$/;

/** Where an event stands in the order of its partition. */
export interface EventPosition {
  readonly partition: number;
  readonly epoch: number;
  readonly sequence: number;
}

/** Formats an event id. */
export function formatEventId({ partition, epoch, sequence }: EventPosition): string {
  return `${partition.toString(36)}-${epoch.toString(36)}-${sequence.toString(36)}`;
}

/** Parses an event id; undefined for a text that `formatEventId` cannot have written. */
export function parseEventId(text: string): EventPosition | undefined {
  if (!ID.test(text)) return undefined;
  const [partition = "", epoch = "", sequence = ""] = text.split("-");
  const position = {
    partition: Number.parseInt(partition, 36),
    epoch: Number.parseInt(epoch, 36),
    sequence: Number.parseInt(sequence, 36),
  };
  return Number.isSafeInteger(position.epoch) && Number.isSafeInteger(position.sequence)
    ? position
    : undefined;
}

/** Whether a text has only characters of event ids, of any form: enough to put it into a stream safely. */
export function isIdText(text: string): boolean {
  return ID_CHARACTERS.test(text);
}

/** The cursor after an event. `others` is what `StreamPosition.before` returned for the event's partition. */
export function cursorOfEvent(others: string, id: string): string {
  return others + id.replaceAll("-", ".");
}

/** Parses a cursor into its positions; undefined for a text that `StreamPosition` cannot have written. */
export function parsePositions(cursor: string): readonly EventPosition[] | undefined {
  if (cursor.length > MAX_CURSOR_BYTES) return undefined;
  if (cursor === START_CURSOR) return [];
  const positions: EventPosition[] = [];
  const partitions = new Set<number>();
  for (const part of cursor.split("~")) {
    const position = part.includes("-") ? undefined : parseEventId(part.replaceAll(".", "-"));
    if (position === undefined || partitions.has(position.partition)) return undefined;
    if (formatPosition(position) !== part) return undefined; // leading zeroes
    partitions.add(position.partition);
    positions.push(position);
  }
  return positions;
}

/**
 * Returns a cursor that a reader sent back unchanged; undefined for a text that `StreamPosition` cannot have
 * written.
 */
export function parseCursor(text: string): string | undefined {
  return parsePositions(text) === undefined ? undefined : text;
}

function formatPosition(position: EventPosition): string {
  return cursorOfEvent("", formatEventId(position));
}

/** The newest position in each partition that one edge has passed on. Not shared between processes. */
export class StreamPosition {
  /** Partition → its formatted position; the one that moved last stands last. */
  readonly #positions = new Map<number, string>();
  #cursor = START_CURSOR;

  /** The cursor of everything passed on so far. */
  get cursor(): string {
    return this.#cursor;
  }

  /** Moves to a position and returns the cursor that includes it. O(partitions). */
  advance(position: EventPosition): string {
    const { partition } = position;
    const formatted = formatPosition(position);
    this.#cursor = this.before(partition) + formatted;
    this.#positions.delete(partition);
    this.#positions.set(partition, formatted);
    const fitting = this.#cursor.split("~").length;
    for (const oldest of [...this.#positions.keys()].slice(0, -fitting)) this.#positions.delete(oldest);
    return this.#cursor;
  }

  /**
   * The beginning that all cursors of one partition's events share at this moment: see `cursorOfEvent`.
   * O(partitions).
   */
  before(partition: number): string {
    const others: string[] = [];
    let length = MAX_POSITION_BYTES;
    for (const [other, formatted] of [...this.#positions].reverse()) {
      if (other === partition) continue;
      length += formatted.length + 1;
      if (length > MAX_CURSOR_BYTES) break;
      others.unshift(formatted);
    }
    return others.map((formatted) => `${formatted}~`).join("");
  }
}
