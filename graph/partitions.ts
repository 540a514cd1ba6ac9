// The share of the topics that a graph service owns: some of the partitions, or the whole graph if it is not
// split. Set by `--partitions` or by the directory that is served. Immutable.

import { formatShare, parseShare, partitionOf, type Share } from "../broker/contract.ts";

export class Partitions implements Share {
  /** A graph that is not split: a single partition, whose subjects have no prefix. */
  static readonly whole: Partitions = new Partitions([0], 1);

  readonly owned: readonly number[];
  readonly of: number;
  readonly #owned: ReadonlySet<number>;

  private constructor(owned: readonly number[], of: number) {
    this.owned = owned;
    this.of = of;
    this.#owned = new Set(owned);
  }

  /**
   * Parses `0-3/16`, `2/4` or `0,2,5-7/16`: the owned partitions and their total number.
   * @throws BrokerError BAD_PARTITIONS
   */
  static parse(text: string): Partitions {
    const { owned, of } = parseShare(text);
    return new Partitions(owned, of);
  }

  /**
   * The prefix of each owned partition's subjects: its number, or undefined for a graph that is not split.
   */
  get subjects(): readonly (number | undefined)[] {
    return this.of === 1 ? [undefined] : this.owned;
  }

  partitionOf(topic: string): number {
    return this.of === 1 ? 0 : partitionOf(topic, this.of);
  }

  /** Returns whether a partition is owned. */
  has(partition: number): boolean {
    return this.#owned.has(partition);
  }

  /** Returns whether a topic's partition is owned. Linear in the topic's length. */
  owns(topic: string): boolean {
    return this.of === 1 || this.#owned.has(partitionOf(topic, this.of));
  }

  /** Formats the share in its shortest form, such as `0-3/16`. */
  toString(): string {
    return formatShare(this);
  }
}
