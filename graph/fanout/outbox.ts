// What was sent to each edge, and what waits to be sent: one entry per partition, because a message moves its
// readers' position in one partition. Owned by the messages to edges. Handles and numbers are valid in one
// epoch of the edge's presence, so an outbox ends with the epoch or with the edge.

import { FrameWriter } from "../../broker/contract.ts";
import type { Position } from "../history/sequences.ts";
import type { EdgeLink, EdgeRegistry } from "../presence/edge-registry.ts";
import type { Begun } from "./begun.ts";
import type { Paced } from "./pacer.ts";

/** The messages of one partition to one edge in one epoch. */
export class PartitionOutbox {
  readonly partition: number;
  /** Collects the events that wait. */
  readonly frame: FrameWriter = new FrameWriter();
  /** Sequences of the long events whose `open` was sent and whose `close` was not. */
  readonly open: number[] = [];
  /** The number of the last message. */
  number = 0;
  /**
   * The position that was sent last; while the edge catches up, the position up to which it was sent
   * everything.
   */
  reached: Position;

  constructor(partition: number, reached: Position) {
    this.partition = partition;
    this.reached = reached;
  }
}

/** All messages to one edge in one epoch. */
export class Outbox implements Paced {
  readonly edge: EdgeLink;
  readonly epoch: number;
  isWaiting = false;
  readonly #begun: Begun;
  readonly #parts = new Map<number, PartitionOutbox>();

  constructor(edge: EdgeLink, begun: Begun) {
    this.edge = edge;
    this.#begun = begun;
    this.epoch = edge.presence.epoch;
  }

  /** The partitions in which something was sent or gathered. */
  get parts(): Iterable<PartitionOutbox> {
    return this.#parts.values();
  }

  /** Returns the messages of a partition. They follow the position that the edge named, if it is valid. */
  of(partition: number): PartitionOutbox {
    const known = this.#parts.get(partition);
    if (known !== undefined) return known;
    const { epoch, sequence: last } = this.#begun.at(partition);
    const named = this.edge.presence.positionIn(partition);
    const sequence = named?.epoch === epoch ? Math.min(named.sequence, last) : 0;
    const made = new PartitionOutbox(partition, { epoch, sequence });
    this.#parts.set(partition, made);
    return made;
  }
}

export class Outboxes {
  readonly #begun: Begun;
  readonly #bySlot: (Outbox | undefined)[] = [];

  constructor(registry: EdgeRegistry, begun: Begun) {
    this.#begun = begun;
    registry.onGone(({ slot }) => {
      this.#bySlot[slot] = undefined;
    });
  }

  /** Returns the outbox of an edge for the present epoch of its presence, if it has been used. */
  existing(edge: EdgeLink): Outbox | undefined {
    const known = this.#bySlot[edge.slot];
    // an edge that is gone must not get the outbox of the edge that has its slot now
    return known?.edge === edge && known.epoch === edge.presence.epoch ? known : undefined;
  }

  /** Returns the outbox of an edge that is alive for the present epoch of its presence. */
  of(edge: EdgeLink): Outbox {
    const known = this.existing(edge);
    if (known !== undefined) return known;
    const made = new Outbox(edge, this.#begun);
    this.#bySlot[edge.slot] = made;
    return made;
  }
}
