// The change log of one partition, as the store uses it: an ordered list of records that survives the loss of
// a host. An append succeeds only if the appender knew the last record, so a service that decides a change
// has applied every earlier one.

import { GraphError } from "../errors.ts";

/** The extent of a log. */
export interface LogState {
  /** When the log was created, in milliseconds since 1970. */
  readonly createdMs: number;
  /** The sequence of the oldest record that is kept; one after `last` if none is. */
  readonly first: number;
  /** The sequence of the last record; 0 if there never was one. */
  readonly last: number;
}

/** A record at its place. */
export interface LoggedRecord {
  readonly sequence: number;
  readonly data: Uint8Array;
}

/**
 * `stored`: the log has the record, at the next sequence. `behind`: another record is there, and this one
 * will never be stored. `unknown`: it may be stored, now or later; once another record is at its place, it
 * never will.
 */
export type Appended =
  | { readonly outcome: "stored" }
  | { readonly outcome: "behind" }
  | { readonly outcome: "unknown"; readonly reason: string };

export interface PartitionLog {
  readonly partition: number;
  /** Shown to operators. */
  readonly name: string;
  /** The maximum length of a record, in bytes. */
  readonly maxRecordBytes: number;
  /** Returns its state; undefined if it does not exist. @throws GraphError GRAPH_LOG_UNAVAILABLE */
  find(): Promise<LogState | undefined>;
  /** Creates the log if it does not exist. @throws GraphError GRAPH_LOG_UNAVAILABLE, GRAPH_LOG_REFUSED */
  create(): Promise<LogState>;
  /** Appends a record after the sequence `after`. Ends within seconds and never throws. */
  append(record: Uint8Array, id: string, after: number): Promise<Appended>;
  /**
   * Returns the id of a record; undefined if the log does not hold it.
   * @throws GraphError GRAPH_LOG_UNAVAILABLE
   */
  idOf(sequence: number): Promise<string | undefined>;
  /**
   * Yields the records after `after` up to `last`, in order and without gaps, in batches of bounded size.
   * @throws GraphError GRAPH_LOG_UNAVAILABLE
   */
  read(after: number, last: number): AsyncIterable<readonly LoggedRecord[]>;
}

/** Says that a log does not reply at present, and why. */
export function unavailable(name: string, reason: string, cause?: unknown): GraphError {
  return new GraphError(
    "GRAPH_LOG_UNAVAILABLE",
    `the change log ${name} cannot be used at present (${reason}): try again in a moment`,
    { cause },
  );
}
