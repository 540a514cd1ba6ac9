// Tracks which graph service owns which partition, and which deltas of the current presence epoch each has
// acknowledged. A delta counts as acknowledged only when every owner has acknowledged it: only then is a
// stream certain to receive every event, and only then can a handle be reused. An owner that is silent while
// others reply is lost: nothing waits for it, and its frames are refused, until it returns and a new epoch
// begins. At most MAX_PARTITIONS entries.

import type { Owner } from "../../broker/index.ts";

/**
 * Unanswered beats after which an owner is lost while others reply: as long as the graph waits for an edge.
 */
const LOST_AFTER = 5;
/** An owner with fewer unanswered beats than this is considered alive. */
const THERE_WITHIN = 2;

interface Entry {
  /** The start of the service that owns the partition; undefined until a service claims it. */
  graph: number | undefined;
  /** The last delta of this epoch that the owner has acknowledged. */
  acknowledged: number;
  unanswered: number;
  lost: boolean;
}

export class Owners {
  /** Indexed by partition; empty until a service has reported how many there are. */
  #entries: Entry[] = [];
  /** Number of partitions whose owner is lost. */
  lost = 0;

  /**
   * Returns the last delta that all owners which are not lost have acknowledged; 0 if one has acknowledged
   * none.
   */
  get acknowledged(): number {
    let min = Number.POSITIVE_INFINITY;
    for (const { lost, acknowledged } of this.#entries) if (!lost) min = Math.min(min, acknowledged);
    return Number.isFinite(min) ? min : 0;
  }

  /** Returns whether a partition's owner is lost. The handles in its frames may then name other users. */
  isLost(partition: number): boolean {
    return this.#entries[partition]?.lost === true;
  }

  /** Returns whether this start of a service is the known owner of all partitions that it claims. */
  knows({ graph, partitions, of }: Owner): boolean {
    return (
      of === this.#entries.length &&
      partitions.every((partition) => {
        const entry = this.#entries[partition];
        return entry?.graph === graph && !entry.lost;
      })
    );
  }

  /**
   * Makes a service the owner of its partitions. If the number of partitions has changed, all entries are
   * discarded.
   */
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
   * Notes that a service has acknowledged all deltas of the current epoch up to this one. Acknowledgements of
   * a lost owner, or of one that counts a different number of partitions, are not accepted, since they
   * require a new epoch.
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

  /**
   * Notes that a beat is sent. Owners with too many unanswered beats become lost, unless all owners are
   * silent.
   */
  beat(): void {
    const somebodyIsThere = this.#entries.some(({ unanswered }) => unanswered < THERE_WITHIN);
    for (const entry of this.#entries) {
      if (somebodyIsThere && entry.unanswered >= LOST_AFTER) entry.lost = true;
      entry.unanswered += 1;
    }
    this.#countLost();
  }

  /** Resets the unanswered beats after the network was away, which explains the silence. */
  forgive(): void {
    for (const entry of this.#entries) entry.unanswered = 0;
  }

  /** Begins an epoch, of which no owner has acknowledged anything. */
  restart(): void {
    for (const entry of this.#entries) entry.acknowledged = 0;
  }

  #countLost(): void {
    this.lost = this.#entries.filter(({ lost }) => lost).length;
  }
}
