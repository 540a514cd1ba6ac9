// Issues the event ids of one start of the service. Each owned partition counts its own events, so that an id
// names its partition and the sequence of a partition has no gap.

import { EventIds, type Topic } from "../../broker/contract.ts";
import type { Partitions } from "../partitions.ts";

/** An id and the partition that issued it. */
export interface IssuedId {
  readonly id: string;
  readonly partition: number;
}

export class TopicIds {
  readonly #partitions: Partitions;
  readonly #epoch: number;
  readonly #byPartition = new Map<number, EventIds>();

  /** @param epoch identifies this start of the service; no two starts have the same epoch */
  constructor(partitions: Partitions, epoch: number) {
    this.#partitions = partitions;
    this.#epoch = epoch;
  }

  /** Returns the id that `next` will issue for this name. */
  upcoming(name: Topic): string {
    return this.#idsOf(this.#partitions.partitionOf(name)).upcoming;
  }

  /** Issues the next id in the partition of a topic or a user. */
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
