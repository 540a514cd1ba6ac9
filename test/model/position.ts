// Positions: how far something has come in one partition. Everything begun up to `main` has passed, except the long
// events in `open`.

export interface Position {
  readonly main: number;
  /** Ascending, none above `main`. */
  readonly open: readonly number[];
}

/** One position per partition. */
export type Vector = readonly Position[];

export const START: Position = { main: 0, open: [] };

export function covers({ main, open }: Position, seq: number): boolean {
  return seq <= main && !open.includes(seq);
}

/** After everything up to `seq` has been written to one reader, in order. */
export function advancedTo({ main, open }: Position, seq: number): Position {
  return { main: Math.max(main, seq), open: open.filter((long) => long > seq) };
}
