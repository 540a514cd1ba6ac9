// The decisions of one commit, before they are in the logs: lists of changes decided on one transaction, and
// their effects by partition. Afterwards it says which lists may be told their outcomes: those of which every
// effect that they depend on was stored. Owned by one commit.

import type { GraphError } from "../errors.ts";
import type { Change, Outcome, RecordedChange } from "../store/changes.ts";
import type { CommitResult } from "../store/commit-queue.ts";
import type { Transaction } from "../store/transaction.ts";
import type { NamedChange } from "./record.ts";

/** The effects of one commit on one partition, in order. */
export interface Group {
  readonly partition: number;
  readonly changes: NamedChange[];
  /** The same changes with ids. */
  readonly recorded: RecordedChange[];
}

/** What became of a group. */
export interface StoredGroup {
  readonly partition: number;
  /** So many of its changes are stored, from the first. */
  readonly stored: number;
  /** Why the others are not; undefined if there are none. */
  readonly error: GraphError | undefined;
}

interface Decided {
  readonly outcomes: readonly Outcome[];
  /** How many of each partition's changes must be stored for the outcomes to hold. */
  readonly needs: ReadonlyMap<number, number>;
}

interface DecisionsOptions {
  readonly transaction: Transaction;
  readonly partitionOf: (topic: string) => number;
  /** Returns why a partition accepts no changes; undefined if it does. */
  readonly refusalOf: (partition: number) => GraphError | undefined;
}

export class Decisions {
  readonly #options: DecisionsOptions;
  readonly #groups = new Map<number, Group>();
  readonly #lists: (Decided | GraphError)[] = [];

  constructor(options: DecisionsOptions) {
    this.#options = options;
  }

  /** The effects by partition. */
  get groups(): readonly Group[] {
    return [...this.#groups.values()];
  }

  /** Decides a list after all earlier ones, or refuses it as a whole. */
  decide(changes: readonly Change[]): void {
    const { transaction, partitionOf, refusalOf } = this.#options;
    const partitions = changes.map(({ topic }) => partitionOf(topic));
    for (const partition of partitions) {
      const refusal = refusalOf(partition);
      if (refusal === undefined) continue;
      this.#lists.push(refusal);
      return;
    }
    const needs = new Map<number, number>();
    const outcomes = changes.map((change, index) => {
      const group = this.#groupOf(partitions[index] as number);
      const outcome = transaction.apply(change);
      const recorded = outcome === "changed" ? transaction.changes.at(-1) : undefined;
      if (recorded !== undefined) {
        group.changes.push({ kind: change.kind, user: change.subscriber, topic: change.topic });
        group.recorded.push(recorded);
      }
      needs.set(group.partition, group.changes.length);
      return outcome;
    });
    this.#lists.push({ outcomes, needs });
  }

  /** Returns the result of each list, in the order in which they were decided. */
  results(groups: readonly StoredGroup[]): CommitResult[] {
    const incomplete = groups.filter(({ error }) => error !== undefined);
    return this.#lists.map((list) => {
      if (!("outcomes" in list)) return list;
      const missing = incomplete.find(({ partition, stored }) => (list.needs.get(partition) ?? 0) > stored);
      return missing?.error ?? list.outcomes;
    });
  }

  #groupOf(partition: number): Group {
    let group = this.#groups.get(partition);
    if (group === undefined) {
      group = { partition, changes: [], recorded: [] };
      this.#groups.set(partition, group);
    }
    return group;
  }
}
