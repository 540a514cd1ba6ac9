// Positions: the progress in one partition. Everything that has begun up to `main` has been delivered, except
// the long events in `open`.

export interface Position {
  readonly main: number;
  /** Ascending, at most `main`. */
  readonly open: readonly number[];
}

/** One position per partition. */
export type Vector = readonly Position[];

export const START: Position = { main: 0, open: [] };

export function covers({ main, open }: Position, seq: number): boolean {
  return seq <= main && !open.includes(seq);
}

/** Returns the position of a reader to which everything up to `seq` has been written in order. */
export function advancedTo({ main, open }: Position, seq: number): Position {
  return { main: Math.max(main, seq), open: open.filter((long) => long > seq) };
}
