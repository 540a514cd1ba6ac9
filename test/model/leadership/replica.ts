// The rows of one partition at one service, as its folder stores them: a snapshot, and the records of the
// change log after it. The applied sequence is stored with the rows. Only complete rows may serve anyone:
// those of a snapshot of this layout with an unbroken log after it.

import type { LogRecord } from "./replicated-log.ts";

export interface Follow {
  readonly on: boolean;
  /** How often the follow has ended. */
  readonly endings: number;
}

/** User and topic → follow. */
export type Rows = ReadonlyMap<string, Follow>;

export interface Snapshot {
  /** Changes when the log is replaced, as by `graph restore`. */
  readonly layout: number;
  readonly applied: number;
  readonly rows: Rows;
  /** The highest term in the log up to there. */
  readonly term: number;
}

export const keyOf = (user: number, topic: number): string => `${user} ${topic}`;

export class Replica {
  #layout = 0;
  #rows = new Map<string, Follow>();
  applied = 0;
  term = 0;
  isComplete = false;

  /** Empties the folder. */
  clear(): void {
    this.#rows = new Map();
    this.#layout = 0;
    this.applied = 0;
    this.term = 0;
    this.isComplete = false;
  }

  load({ layout, applied, rows, term }: Snapshot): void {
    this.#layout = layout;
    this.#rows = new Map(rows);
    this.applied = applied;
    this.term = term;
    this.isComplete = true;
  }

  /**
   * Notes which records are still stored: a hole makes the rows incomplete until another snapshot is loaded.
   */
  compare(layout: number, base: number, last: number): void {
    if (layout === this.#layout && this.applied + 1 >= base && this.applied <= last) return;
    this.#layout = layout;
    this.applied = base - 1;
    this.isComplete = false;
  }

  apply(record: LogRecord, sequence: number): void {
    this.applied = sequence;
    this.term = Math.max(this.term, record.term);
    if (record.kind !== "change") return;
    const { user, topic, on, endings } = record;
    this.#rows.set(keyOf(user, topic), { on, endings });
  }

  followOf(user: number, topic: number): Follow {
    return this.#rows.get(keyOf(user, topic)) ?? { on: false, endings: 0 };
  }

  snapshot(): Snapshot {
    return { layout: this.#layout, applied: this.applied, rows: new Map(this.#rows), term: this.term };
  }
}
