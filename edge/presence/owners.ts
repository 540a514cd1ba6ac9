// Which graph service speaks for which partition, and how far each has heard this edge, in the presence epoch under way.
// What nobody but one of them has heard is heard by none: a stream is certain, and a handle free, by the slowest word.
// An owner that falls silent while others answer is lost: nothing waits for it, and nothing is taken from it by handle,
// until it speaks again and everybody begins anew. At most MAX_PARTITIONS entries.

import type { Owner } from "../../broker/index.ts";

/** Beats without an answer after which an owner is taken for lost while others answer: as long as the graph waits for us. */
const LOST_AFTER = 5;
/** Somebody who left no more beats than this unanswered is there. */
const THERE_WITHIN = 2;

interface Entry {
  /** The start of the service that owns it; undefined before any has spoken. */
  graph: number | undefined;
  /** The last delta of this epoch that it has heard. */
  acknowledged: number;
  unanswered: number;
  lost: boolean;
}

export class Owners {
  /** By partition; empty until a service has said how many there are. */
  #entries: Entry[] = [];
  /** Partitions whose owner is lost. */
  lost = 0;

  /** The delta that every owner has heard who is not lost; 0 while one of them has heard none. */
  get acknowledged(): number {
    let min = Number.POSITIVE_INFINITY;
    for (const { lost, acknowledged } of this.#entries) if (!lost) min = Math.min(min, acknowledged);
    return Number.isFinite(min) ? min : 0;
  }

  /** Whether a partition's owner is lost: the handles in its frames may mean somebody else by now. */
  isLost(partition: number): boolean {
    return this.#entries[partition]?.lost === true;
  }

  /** Whether this start of a service is known as the owner of all that it speaks for. */
  knows({ graph, partitions, of }: Owner): boolean {
    return (
      of === this.#entries.length &&
      partitions.every((partition) => {
        const entry = this.#entries[partition];
        return entry?.graph === graph && !entry.lost;
      })
    );
  }

  /** A service speaks for its partitions from now on. Where their number has changed, all that was known is void. */
  take({ graph, partitions, of }: Owner): void {
    if (of !== this.#entries.length) {
      this.#entries = Array.from({ length: of }, () => ({
        graph: undefined,
        acknowledged: 0,
        unanswered: 0,
        lost: false,
      }));
    }
    for (const partition of partitions) {
      const entry = this.#entries[partition];
      if (entry === undefined) continue;
      entry.graph = graph;
      entry.unanswered = 0;
      entry.lost = false;
    }
    this.#countLost();
  }

  /**
   * A service has heard everything up to this delta of the epoch under way. Nothing is taken from one that was lost, or
   * that counts other partitions than the others: everybody would have to begin anew.
   */
  acknowledge(owner: Owner, sequence: number): "heard" | "lost" | "foreign" {
    if (this.#entries.length > 0 && owner.of !== this.#entries.length) return "foreign";
    if (owner.partitions.some((partition) => this.isLost(partition))) return "lost";
    this.take(owner);
    for (const partition of owner.partitions) {
      const entry = this.#entries[partition];
      if (entry !== undefined) entry.acknowledged = Math.max(entry.acknowledged, sequence);
    }
    return "heard";
  }

  /** One more beat goes out: who has left too many unanswered is lost, unless all have. */
  beat(): void {
    const somebodyIsThere = this.#entries.some(({ unanswered }) => unanswered < THERE_WITHIN);
    for (const entry of this.#entries) {
      if (somebodyIsThere && entry.unanswered >= LOST_AFTER) entry.lost = true;
      entry.unanswered += 1;
    }
    this.#countLost();
  }

  /** The network was away: nobody is to blame for silence. */
  forgive(): void {
    for (const entry of this.#entries) entry.unanswered = 0;
  }

  /** A new epoch, of which nobody has heard anything. */
  restart(): void {
    for (const entry of this.#entries) entry.acknowledged = 0;
  }

  #countLost(): void {
    this.lost = this.#entries.filter(({ lost }) => lost).length;
  }
}
