// Maps the positions of a partition's rows to places and back. Positions ascend but may leave gaps: each
// epoch counts from 1, and after an unclean shutdown the sequence numbers that may have been assigned are
// skipped. A place is a row's rank in its partition, without gaps; a run is a stretch of places whose
// sequence numbers have no gaps either. Each unclean shutdown begins a run, which is dropped once its rows
// are deleted.

/** A position within a partition. */
export interface Position {
  readonly epoch: number;
  readonly sequence: number;
}

/** Reports whether a position comes after another one. */
export function isAfter(one: Position, other: Position): boolean {
  return one.epoch > other.epoch || (one.epoch === other.epoch && one.sequence > other.sequence);
}

interface Run {
  readonly epoch: number;
  readonly firstSequence: number;
  readonly firstPlace: number;
}

export class Sequences {
  /** Ascending; the last run grows. */
  readonly #runs: Run[] = [];
  #next = 1;

  /**
   * Assigns the next places to `count` consecutive positions, which must come after all earlier ones, and
   * returns the first of these places.
   */
  extend({ epoch, sequence }: Position, count: number): number {
    const place = this.#next;
    const run = this.#runs.at(-1);
    if (run?.epoch !== epoch || sequence - run.firstSequence !== place - run.firstPlace)
      this.#runs.push({ epoch, firstSequence: sequence, firstPlace: place });
    this.#next = place + count;
    return place;
  }

  /** Returns the position of a stored place. O(runs). */
  at(place: number): Position {
    let index = this.#runs.length - 1; // mostly the right one, so no callback is created to search for it
    while ((this.#runs[index] as Run).firstPlace > place) index -= 1;
    const { epoch, firstSequence, firstPlace } = this.#runs[index] as Run;
    return { epoch, sequence: firstSequence + place - firstPlace };
  }

  /** Returns the place of the newest stored row at or before a position, or 0 if there is none. O(runs). */
  lastUpTo({ epoch, sequence }: Position): number {
    let end = this.#next - 1;
    for (let index = this.#runs.length - 1; index >= 0; index -= 1) {
      const run = this.#runs[index] as Run;
      if (run.epoch < epoch) return end;
      if (run.epoch === epoch && run.firstSequence <= sequence)
        return Math.min(end, run.firstPlace + sequence - run.firstSequence);
      end = run.firstPlace - 1;
    }
    return 0;
  }

  /** Forgets the runs that end before `first`, the oldest stored place. */
  dropBefore(first: number): void {
    while ((this.#runs[1]?.firstPlace ?? Number.POSITIVE_INFINITY) <= first) this.#runs.shift();
  }
}
