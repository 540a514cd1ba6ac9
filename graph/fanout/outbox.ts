// The frames that wait to be sent to each edge in `frames` mode, one per partition, because a frame moves its
// readers' position in one partition. Owned by the frame copies. The handles in a frame are valid in one
// epoch of the edge's presence, so an outbox ends with the epoch or with the edge.

import { FRAME_KIND, FrameWriter } from "../../broker/contract.ts";
import type { EdgeLink, EdgeRegistry } from "../presence/edge-registry.ts";
import type { Paced } from "./pacer.ts";

/** The frames that wait for one edge in one epoch. */
export class Outbox implements Paced {
  readonly edge: EdgeLink;
  readonly epoch: number;
  isWaiting = false;
  readonly #frames = new Map<number, FrameWriter>();

  constructor(edge: EdgeLink) {
    this.edge = edge;
    this.epoch = edge.presence.epoch;
  }

  /** Returns the frame that collects the events of a partition. */
  frame(partition: number): FrameWriter {
    const known = this.#frames.get(partition);
    if (known !== undefined) return known;
    const made = new FrameWriter(this.epoch);
    this.#frames.set(partition, made);
    return made;
  }

  /** Takes all frames that hold events. */
  *take(): Generator<Uint8Array, void, void> {
    for (const frame of this.#frames.values()) if (frame.length > 0) yield frame.take(FRAME_KIND.frame);
  }
}

export class Outboxes {
  readonly #bySlot: (Outbox | undefined)[] = [];

  constructor(registry: EdgeRegistry) {
    registry.onGone(({ slot }) => {
      this.#bySlot[slot] = undefined;
    });
  }

  /** Returns the outbox of an edge for the present epoch of its presence, if events were gathered for it. */
  existing(edge: EdgeLink): Outbox | undefined {
    const known = this.#bySlot[edge.slot];
    // an edge that is gone must not get the outbox of the edge that has its slot now
    return known?.edge === edge && known.epoch === edge.presence.epoch ? known : undefined;
  }

  /** Returns the outbox of an edge that is alive for the present epoch of its presence. */
  of(edge: EdgeLink): Outbox {
    const known = this.existing(edge);
    if (known !== undefined) return known;
    const made = new Outbox(edge);
    this.#bySlot[edge.slot] = made;
    return made;
  }
}
