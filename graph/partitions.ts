// Which part of the topics one graph service owns: some of so many partitions, or all where the graph is not split. Set
// once, by `--partitions` or by the folder that is served; immutable.

import { BrokerError, MAX_PARTITIONS, partitionOf, type Topic } from "../broker/contract.ts";
import { quote } from "../lib/errors.ts";

const FORM = /^(\d{1,3}(?:-\d{1,3})?(?:,\d{1,3}(?:-\d{1,3})?)*)\/(\d{1,3})$/;

export class Partitions {
  /** A graph that is not split: one partition, whose subjects are the plain ones. */
  static readonly whole: Partitions = new Partitions([0], 1);

  /** Ascending. */
  readonly owned: readonly number[];
  /** How many there are in all. */
  readonly of: number;
  readonly #owned: ReadonlySet<number>;

  private constructor(owned: readonly number[], of: number) {
    this.owned = owned;
    this.of = of;
    this.#owned = new Set(owned);
  }

  /** `0-3/16`, `2/4`, `0,2,5-7/16`: these of so many. @throws BrokerError BAD_PARTITIONS */
  static parse(text: string): Partitions {
    const [, list = "", total = ""] = FORM.exec(text) ?? [];
    const of = Number(total);
    const owned = new Set<number>();
    for (const range of list.split(",")) {
      const [first = Number.NaN, last = first] = range.split("-").map(Number);
      if (!(first <= last && last < of && of <= MAX_PARTITIONS)) throw unreadable(text);
      for (let partition = first; partition <= last; partition += 1) owned.add(partition);
    }
    return new Partitions(
      [...owned].sort((a, b) => a - b),
      of,
    );
  }

  /** What the subjects of each owned partition begin with: its number, nothing where the graph is not split. */
  get subjects(): readonly (number | undefined)[] {
    return this.of === 1 ? [undefined] : this.owned;
  }

  partitionOf(topic: Topic): number {
    return this.of === 1 ? 0 : partitionOf(topic, this.of);
  }

  /** Whether a partition is owned. */
  has(partition: number): boolean {
    return this.#owned.has(partition);
  }

  /** Whether a topic's partition is owned. O(its length). */
  owns(topic: Topic): boolean {
    return this.of === 1 || this.#owned.has(partitionOf(topic, this.of));
  }

  /** In its shortest form: `0-3/16`. */
  toString(): string {
    const ranges: string[] = [];
    for (let at = 0; at < this.owned.length; at += 1) {
      const first = this.owned[at] as number;
      while (this.owned[at + 1] === (this.owned[at] as number) + 1) at += 1;
      const last = this.owned[at] as number;
      ranges.push(first === last ? `${first}` : `${first}-${last}`);
    }
    return `${ranges.join(",")}/${this.of}`;
  }
}

function unreadable(text: string): BrokerError {
  return new BrokerError(
    "BAD_PARTITIONS",
    `${quote(text)} names no partitions: say which of how many, as 0-3/16, 2/4 or 0,2,5-7/16 (at most ${MAX_PARTITIONS})`,
  );
}
