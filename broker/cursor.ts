// Event ids and cursors: the only file that formats or parses them.
//
// An event id is `<partition>-<epoch>-<sequence>`, three numbers in base 36. The owner of the partition
// issues it and never uses a position twice, so ids are unique across partitions and restarts. Within an
// epoch the sequence increases with each event; it skips numbers only after a crash. A new epoch begins if
// the history of events was lost or set back (graph/history/epoch.ts).
//
// A cursor is what a reader sends back to say "I have received everything up to here". It names a position in
// every partition (positions.ts), has the same meaning at every edge, and is opaque to readers:
//
//   <stamp> <others> ~ <partition>.<epoch>.<sequence>
//
// The stamp is a time of fixed width, so that cursors sort as text in the order in which one reader received
// them; it decides nothing. `others` is empty if the topics are not partitioned and no long event is open.
// Otherwise it is a sequence of varints, six bits per character: the number of partitions, a hash of all
// their epochs, the sequences of the other partitions, and pairs (partition, sequence) of the open events.
// The native pool formats cursors in edge/pool/native/src/positions.h from the stamp, `others` and the
// event's id.

/** Maximum length of a cursor. */
export const MAX_CURSOR_BYTES = 255;
/** Maximum length of an event id that is accepted in a frame. */
export const MAX_EVENT_ID_BYTES = 40;
/** Maximum number of partitions whose positions fit into a cursor. Beyond it, cursors are not resumable. */
export const MAX_CURSOR_PARTITIONS = 32;

const STAMP_CHARACTERS = 9;
/** Length of the longest last part: `~`, two digits, and two numbers of at most 7 and 8 digits. */
const MAX_OWN_CHARACTERS = 20;
const MAX_OTHERS_CHARACTERS = MAX_CURSOR_BYTES - STAMP_CHARACTERS - MAX_OWN_CHARACTERS;

/** Digits of six bits whose order is the order of their characters in ASCII. All are safe in URLs. */
const DIGITS = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
const VALUES: ReadonlyMap<string, number> = new Map([...DIGITS].map((digit, value) => [digit, value]));

const ID = /^[0-9a-z]{1,11}-[0-9a-z]{1,11}-[0-9a-z]{1,11}$/;
const ID_CHARACTERS = /^[0-9a-z-]+$/;
const CURSOR = /^([-0-9A-Z_a-z]{9})([-0-9A-Z_a-z]*)~([0-9a-z]{1,2}\.[0-9a-z]{1,11}\.[0-9a-z]{1,11})$/;

const FNV_OFFSET = 0x811c_9dc5;
const FNV_PRIME = 0x0100_0193;

/** Where an event stands in the order of its partition. */
export interface EventPosition {
  readonly partition: number;
  readonly epoch: number;
  readonly sequence: number;
}

/** A cursor's content. */
export interface Cursor {
  /** The time at which it was issued: see `CursorClock`. */
  readonly stamp: number;
  /** The position in the partition that moved last. */
  readonly own: EventPosition;
  /** The positions in all partitions; undefined if the topics are not partitioned and nothing is open. */
  readonly others: Others | undefined;
}

/** What a cursor says besides its own position. */
export interface Others {
  /** The hash of all partitions' epochs: see `layoutOf`. */
  readonly layout: number;
  /** By partition, including the cursor's own. */
  readonly sequences: readonly number[];
  /** Events below those positions that were still being sent. */
  readonly open: readonly OpenEvent[];
}

export interface OpenEvent {
  readonly partition: number;
  readonly sequence: number;
}

/** The start of the id that was formatted last, which most ids have in common with the one before. */
let lastFormatted = { partition: Number.NaN, epoch: Number.NaN, prefix: "" };

/** Formats an event id. */
export function formatEventId({ partition, epoch, sequence }: EventPosition): string {
  if (partition !== lastFormatted.partition || epoch !== lastFormatted.epoch) {
    lastFormatted = { partition, epoch, prefix: `${partition.toString(36)}-${epoch.toString(36)}-` };
  }
  return lastFormatted.prefix + sequence.toString(36);
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

/** The cursor of an event. `others` is what `Positions.othersText` returned for the event's partition. */
export function cursorOfEvent(stamp: number, others: string, id: string): string {
  return `${formatStamp(stamp)}${others}~${id.replaceAll("-", ".")}`;
}

/** Formats what a cursor says besides its own position. Returns undefined if it would be too long. */
export function formatOthers({ layout, sequences, open }: Others, own: number): string | undefined {
  const numbers = [sequences.length, layout, ...sequences.filter((_, partition) => partition !== own)];
  for (const { partition, sequence } of open) numbers.push(partition, sequence);
  const text = numbers.map(formatVarint).join("");
  return text.length <= MAX_OTHERS_CHARACTERS ? text : undefined;
}

/** Parses a cursor; undefined for a text that no edge can have written. */
export function parseCursor(text: string): Cursor | undefined {
  if (text.length > MAX_CURSOR_BYTES) return undefined;
  const [, stampText, othersText = "", ownText = ""] = CURSOR.exec(text) ?? [];
  if (stampText === undefined) return undefined;
  const id = ownText.replaceAll(".", "-");
  const own = parseEventId(id);
  if (own === undefined || formatEventId(own) !== id) return undefined; // leading zeroes
  const stamp = parseStamp(stampText);
  if (othersText === "") return own.partition === 0 ? { stamp, own, others: undefined } : undefined;
  const numbers = parseVarints(othersText);
  const others = numbers && othersOf(numbers, own);
  return others && { stamp, own, others };
}

/** Returns the hash by which a cursor names the epochs of all partitions. */
export function layoutOf(epochs: readonly number[]): number {
  let hash = FNV_OFFSET;
  for (const epoch of epochs)
    for (const part of [epoch % 0x1_0000, Math.floor(epoch / 0x1_0000) % 0x1_0000_0000])
      hash = Math.imul(hash ^ part, FNV_PRIME);
  return hash >>> 0;
}

function othersOf([of = 0, layout = 0, ...rest]: readonly number[], own: EventPosition): Others | undefined {
  if (of < 1 || of > MAX_CURSOR_PARTITIONS || own.partition >= of || rest.length < of - 1) return undefined;
  const sequences = rest.slice(0, of - 1);
  sequences.splice(own.partition, 0, own.sequence);
  const open: OpenEvent[] = [];
  for (let at = of - 1; at < rest.length; at += 2) {
    const [partition = of, sequence] = rest.slice(at, at + 2);
    if (partition >= of || sequence === undefined) return undefined;
    open.push({ partition, sequence });
  }
  return { layout, sequences, open };
}

/** Formats a stamp, an integer below 2^53, in nine characters that sort like numbers. */
export function formatStamp(stamp: number): string {
  let text = "";
  for (let rest = stamp, at = 0; at < STAMP_CHARACTERS; at += 1, rest = Math.floor(rest / 64))
    text = (DIGITS[rest % 64] as string) + text;
  return text;
}

function parseStamp(text: string): number {
  let stamp = 0;
  for (const digit of text) stamp = stamp * 64 + (VALUES.get(digit) as number);
  return stamp;
}

/** Five bits per digit, the lowest first; a digit of 32 or more is followed by another. */
function formatVarint(number: number): string {
  let text = "";
  let rest = number;
  for (; rest >= 32; rest = Math.floor(rest / 32)) text += DIGITS[32 + (rest % 32)];
  return text + DIGITS[rest];
}

function parseVarints(text: string): number[] | undefined {
  const numbers: number[] = [];
  let number = 0;
  let unit = 1;
  for (const digit of text) {
    const value = VALUES.get(digit) as number;
    number += (value % 32) * unit;
    unit *= 32;
    if (!Number.isSafeInteger(number) || unit > Number.MAX_SAFE_INTEGER) return undefined;
    if (value >= 32) continue;
    numbers.push(number);
    number = 0;
    unit = 1;
  }
  return unit === 1 ? numbers : undefined;
}
