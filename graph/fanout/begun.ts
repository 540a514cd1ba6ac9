// What is begun: the rows of the history whose fan-out has started, and the long events among them that have
// not ended. An edge that is in step has been sent everything begun. Advanced by the expander alone, after a
// row was added for every edge; one entry per owned partition.

import type { History } from "../history/history.ts";
import type { Position } from "../history/sequences.ts";

/** How far fan-out has come in one partition: everything up to a position, except the open events. */
export interface BegunPosition extends Position {
  /** Sequences of the long events that have not ended, ascending. */
  readonly open: readonly number[];
}

export class Begun {
  #next: number;
  readonly #at: Map<number, BegunPosition>;

  /** Creates the state of a service that starts: everything stored counts as begun. */
  constructor(history: Pick<History, "next" | "nextPosition">, partitions: readonly number[]) {
    this.#next = history.next;
    this.#at = new Map(
      partitions.map((partition) => {
        const { epoch, sequence } = history.nextPosition(partition);
        return [partition, { epoch, sequence: sequence - 1, open: [] }];
      }),
    );
  }

  /** The ordinal of the first row that has not begun. */
  get next(): number {
    return this.#next;
  }

  /** Returns how far fan-out has come in an owned partition. */
  at(partition: number): BegunPosition {
    return this.#at.get(partition) as BegunPosition;
  }

  /** Notes that the next row has begun, which has this position. */
  advance(partition: number, { epoch, sequence }: Position): void {
    this.#next += 1;
    this.#at.set(partition, { epoch, sequence, open: this.at(partition).open });
  }

  /** Notes that the next row is a long event. */
  open(partition: number, sequence: number): void {
    const at = this.at(partition);
    this.#at.set(partition, { ...at, open: [...at.open, sequence] });
  }

  /** Notes that a long event has ended. */
  close(partition: number, sequence: number): void {
    const at = this.at(partition);
    this.#at.set(partition, { ...at, open: at.open.filter((open) => open !== sequence) });
  }
}
