// The ids of one start of the service: every partition that it owns counts its events by itself, so that an id says
// where its topic lies, and the sequence of a partition has no gap.

import { EventIds, type Topic } from "../../broker/contract.ts";
import type { Partitions } from "../partitions.ts";

/** An id, and the partition that minted it. */
export interface IssuedId {
  readonly id: string;
  readonly partition: number;
}

export class TopicIds {
  readonly #partitions: Partitions;
  readonly #epoch: number;
  readonly #byPartition = new Map<number, EventIds>();

  /** @param epoch this start's, never the same twice */
  constructor(partitions: Partitions, epoch: number) {
    this.#partitions = partitions;
    this.#epoch = epoch;
  }

  /** The id that `next` mints next for this name. */
  upcoming(name: Topic): string {
    return this.#idsOf(this.#partitions.partitionOf(name)).upcoming;
  }

  /** The next id in the partition of a topic, or of a user. */
  next(name: Topic): IssuedId {
    const partition = this.#partitions.partitionOf(name);
    return { id: this.#idsOf(partition).next(), partition };
  }

  #idsOf(partition: number): EventIds {
    let ids = this.#byPartition.get(partition);
    if (ids === undefined) {
      ids = new EventIds(partition, this.#epoch);
      this.#byPartition.set(partition, ids);
    }
    return ids;
  }
}
