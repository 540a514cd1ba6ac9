// The binary format of a record of a partition's change log. A record holds effects, which were decided
// before, and names instead of ids, because ids belong to one directory. Written by one service and read by
// others, possibly of other releases: a number is never reused, and what is unknown is refused.
//
//   1, kind, writer (8 bytes), number, milliseconds since 1970 (float64), then by kind:
//
//   1 changes   number of names, { length, UTF-8 }…, number of changes, { kind, user, topic }…
//   2 layout    partition, number of partitions, what the rows were
//   3 term      term (float64), length and UTF-8 of the leader's name
//   4 epoch     epoch (float64), the first sequence of the epoch (float64)
//
// Numbers without a type are varints. A user and a topic are indexes into the names. Writer and number
// together identify the record among all others: a writer that received no acknowledgement recognizes it.

import { GraphError } from "../errors.ts";
import { CHANGE_CODES, changeKindOf } from "../store/change-codes.ts";
import type { ChangeKind } from "../store/changes.ts";
import { VarintReader } from "../store/varint.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";

const VERSION = 1;
const KINDS = ["changes", "layout", "term", "epoch"] as const;
const WRITER_BYTES = 8;
const NUMBER_AT = 2 + WRITER_BYTES;
/** What the rows of the partition were when the record was written. */
const BASES = ["empty", "rows"] as const;

/** A change that had an effect. */
export interface NamedChange {
  readonly kind: ChangeKind;
  readonly user: string;
  readonly topic: string;
}

/** Changes of one commit, in order. */
export interface ChangesRecord {
  readonly kind: "changes";
  readonly changes: readonly NamedChange[];
}

/**
 * The log continues from rows that do not follow from its earlier records: those of an empty graph, or those
 * of the directory whose service wrote the record.
 */
export interface LayoutRecord {
  readonly kind: "layout";
  readonly partition: number;
  /** The number of partitions into which the topics are divided. */
  readonly of: number;
  readonly base: (typeof BASES)[number];
}

/** From here on this service leads the partition. */
export interface TermRecord {
  readonly kind: "term";
  readonly term: number;
  /** The name of the service. */
  readonly leader: string;
}

/** The partition's events have a new epoch from this sequence on. */
export interface EpochRecord {
  readonly kind: "epoch";
  readonly epoch: number;
  readonly from: number;
}

export type LogEntry = ChangesRecord | LayoutRecord | TermRecord | EpochRecord;

export interface LogRecord {
  /** Identifies the record: the writer as 16 hexadecimal digits, a hyphen, and the record's number. */
  readonly id: string;
  /** The time at which it was written. */
  readonly timeMs: number;
  readonly entry: LogEntry;
}

/** Returns the id of a writer's record. @param writer 16 hexadecimal digits */
export function recordId(writer: string, number: number): string {
  return `${writer}-${number}`;
}

export function encodeRecord({ id, timeMs, entry }: LogRecord): Uint8Array {
  const [writer = "", number = ""] = id.split("-");
  const bytes = new ByteWriter();
  bytes.byte(VERSION);
  bytes.byte(KINDS.indexOf(entry.kind) + 1);
  bytes.raw(Buffer.from(writer, "hex"));
  bytes.varint(Number(number));
  bytes.float(timeMs);
  if (entry.kind === "changes") writeChanges(bytes, entry);
  else if (entry.kind === "layout") {
    bytes.varint(entry.partition);
    bytes.varint(entry.of);
    bytes.varint(BASES.indexOf(entry.base) + 1);
  } else if (entry.kind === "term") {
    bytes.float(entry.term);
    bytes.text(entry.leader);
  } else {
    bytes.float(entry.epoch);
    bytes.float(entry.from);
  }
  return bytes.taken();
}

/** @throws GraphError GRAPH_LOG_UNREADABLE for damage, and for what a later release has written */
export function decodeRecord(bytes: Uint8Array): LogRecord {
  const id = readRecordId(bytes);
  try {
    const reader = new ByteReader(bytes, NUMBER_AT);
    reader.varint();
    const record = { id, timeMs: reader.float(), entry: readEntry(KINDS[(bytes[1] ?? 0) - 1], reader) };
    if (reader.left > 0) throw unreadable(`has ${reader.left} bytes too many`);
    return record;
  } catch (cause) {
    if (cause instanceof GraphError && cause.code === "GRAPH_DAMAGED") throw unreadable("ends early", cause);
    throw cause;
  }
}

/** Returns the id of a record without decoding the rest. @throws GraphError GRAPH_LOG_UNREADABLE */
export function readRecordId(bytes: Uint8Array): string {
  if (bytes[0] !== VERSION) throw unreadable(`has version ${bytes[0]}`);
  const number = new VarintReader(bytes, NUMBER_AT).tryNext();
  if (number === undefined) throw unreadable("ends early");
  return recordId(Buffer.from(bytes.subarray(2, NUMBER_AT)).toString("hex"), number);
}

function writeChanges(bytes: ByteWriter, { changes }: ChangesRecord): void {
  const names = new Map<string, number>();
  const indexOf = (name: string): number => {
    const known = names.get(name) ?? names.size;
    names.set(name, known);
    return known;
  };
  const indexed = changes.map(({ kind, user, topic }) => [CHANGE_CODES[kind], indexOf(user), indexOf(topic)]);
  bytes.varint(names.size);
  for (const name of names.keys()) bytes.text(name);
  bytes.varint(indexed.length);
  for (const numbers of indexed) for (const number of numbers) bytes.varint(number);
}

function readEntry(kind: LogEntry["kind"] | undefined, reader: ByteReader): LogEntry {
  switch (kind) {
    case "changes":
      return { kind, changes: readChanges(reader) };
    case "layout": {
      const [partition, of, code] = [reader.varint(), reader.varint(), reader.varint()];
      const base = BASES[code - 1];
      if (base === undefined) throw unreadable(`has a layout with rows of kind ${code}`);
      return { kind, partition, of, base };
    }
    case "term":
      return { kind, term: reader.float(), leader: reader.text() };
    case "epoch":
      return { kind, epoch: reader.float(), from: reader.float() };
    default:
      throw unreadable("has an unknown kind");
  }
}

function readChanges(reader: ByteReader): NamedChange[] {
  const names = Array.from({ length: reader.count() }, () => reader.text());
  return Array.from({ length: reader.count() }, () => {
    const code = reader.varint();
    const kind = changeKindOf(code);
    const user = names[reader.varint()];
    const topic = names[reader.varint()];
    if (kind === undefined) throw unreadable(`has a change of kind ${code}`);
    if (user === undefined || topic === undefined) throw unreadable("has a change without a name");
    return { kind, user, topic };
  });
}

function unreadable(how: string, cause?: unknown): GraphError {
  return new GraphError(
    "GRAPH_LOG_UNREADABLE",
    `a record of the change log ${how}: use the newest release of Encke; if this is the newest, the log is damaged`,
    { cause },
  );
}
