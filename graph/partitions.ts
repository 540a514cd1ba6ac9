// Which part of the topics one graph service owns: some of so many partitions, or all where the graph is not split. Set
// once, by `--partitions` or by the folder that is served; immutable.

import { formatShare, parseShare, partitionOf, type Share } from "../broker/contract.ts";

export class Partitions implements Share {
  /** A graph that is not split: one partition, whose subjects are the plain ones. */
  static readonly whole: Partitions = new Partitions([0], 1);

  readonly owned: readonly number[];
  readonly of: number;
  readonly #owned: ReadonlySet<number>;

  private constructor(owned: readonly number[], of: number) {
    this.owned = owned;
    this.of = of;
    this.#owned = new Set(owned);
  }

  /** `0-3/16`, `2/4`, `0,2,5-7/16`: these of so many. @throws BrokerError BAD_PARTITIONS */
  static parse(text: string): Partitions {
    const { owned, of } = parseShare(text);
    return new Partitions(owned, of);
  }

  /** What the subjects of each owned partition begin with: its number, nothing where the graph is not split. */
  get subjects(): readonly (number | undefined)[] {
    return this.of === 1 ? [undefined] : this.owned;
  }

  partitionOf(topic: string): number {
    return this.of === 1 ? 0 : partitionOf(topic, this.of);
  }

  /** Whether a partition is owned. */
  has(partition: number): boolean {
    return this.#owned.has(partition);
  }

  /** Whether a topic's partition is owned. O(its length). */
  owns(topic: string): boolean {
    return this.of === 1 || this.#owned.has(partitionOf(topic, this.of));
  }

  /** In its shortest form: `0-3/16`. */
  toString(): string {
    return formatShare(this);
  }
}
