// The result of sorting follows, whether it happened in memory or in files.

/** One row: an id and its distinct neighbours, ascending. */
export interface Row {
  readonly id: number;
  /** At least one neighbour. */
  readonly ids: Uint32Array;
}

/** Rows ascending by id. Can be iterated more than once. */
export interface Rows extends Iterable<Row> {
  /** The number of entries in all rows. An upper bound if they are in files. */
  readonly size: number;
}

/** The same follows in both directions. */
export interface BothRows {
  /** `from → to` */
  readonly forward: Rows;
  /** `to → from` */
  readonly backward: Rows;
}
