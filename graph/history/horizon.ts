// Times of deleted rows: for each stretch of deleted rows, the earliest time at which one of them was
// accepted. A reader who resumes from before the oldest stored row is told since when something may be
// missing. Bounded: when there are too many stretches, neighbours are merged, which can make the reported
// time earlier but never later. Owned by the history.

import { isAfter, type Position } from "./sequences.ts";

/** Maximum number of stretches per partition. */
const MAX_STRETCHES = 64;
const NUMBERS_PER_STRETCH = 4;

/** The deleted rows of a partition after the previous stretch and up to and including a position. */
export interface Stretch extends Position {
  readonly partition: number;
  /** The earliest time of these rows, in milliseconds since 1970. */
  readonly earliestMs: number;
}

export class Horizon {
  readonly #stretches = new Map<number, Stretch[]>();

  /** Adds a stretch that comes after all others of its partition. */
  add(stretch: Stretch): void {
    const stretches = this.#stretches.get(stretch.partition) ?? [];
    stretches.push(stretch);
    this.#stretches.set(
      stretch.partition,
      stretches.length > MAX_STRETCHES ? joinPairs(stretches) : stretches,
    );
  }

  /**
   * Returns the earliest time of a partition's deleted rows after a position, or infinity if there are none.
   */
  earliestAfter(partition: number, at: Position): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const stretch of this.#stretches.get(partition) ?? [])
      if (isAfter(stretch, at)) earliest = Math.min(earliest, stretch.earliestMs);
    return earliest;
  }

  /** Returns the position of a partition's newest deleted row, or undefined if none was deleted. */
  last(partition: number): Position | undefined {
    return this.#stretches.get(partition)?.at(-1);
  }

  encode(): Uint8Array {
    const all = [...this.#stretches.values()].flat();
    const numbers = all.flatMap(({ partition, epoch, sequence, earliestMs }) => [
      partition,
      epoch,
      sequence,
      earliestMs,
    ]);
    return new Uint8Array(new Float64Array(numbers).buffer);
  }

  static decode(encoded: Uint8Array): Horizon {
    const horizon = new Horizon();
    const numbers = new Float64Array(new Uint8Array(encoded).buffer);
    for (let at = 0; at < numbers.length; at += NUMBERS_PER_STRETCH) {
      const [partition = 0, epoch = 0, sequence = 0, earliestMs = 0] = numbers.subarray(at);
      horizon.add({ partition, epoch, sequence, earliestMs });
    }
    return horizon;
  }
}

function joinPairs(stretches: readonly Stretch[]): Stretch[] {
  const joined: Stretch[] = [];
  for (let index = 0; index < stretches.length; index += 2) {
    const [one, other] = [stretches[index] as Stretch, stretches[index + 1]];
    const earliestMs = Math.min(one.earliestMs, other?.earliestMs ?? one.earliestMs);
    joined.push({ ...(other ?? one), earliestMs });
  }
  return joined;
}
