// What the sorting of follows ends in, whether it happened in memory or in files.

/** One row: an id and its neighbours, ascending, each once. */
export interface Row {
  readonly id: number;
  /** At least one. */
  readonly ids: Uint32Array;
}

/** Rows by ascending id. May be gone through more than once. */
export interface Rows extends Iterable<Row> {
  /** Entries of all rows together; from files an upper bound. */
  readonly size: number;
}

/** The same follows from both ends. */
export interface BothRows {
  /** `from → to` */
  readonly forward: Rows;
  /** `to → from` */
  readonly backward: Rows;
}
