// Copies for edges in `frames` mode whose presence is in step. Each edge receives, in its next frame, the
// event once and the handles of its recipients there; users who are not connected cost nothing. A counted
// event is sent at once in a message of its own, after the frames that wait.

import {
  FRAME_KIND,
  FrameWriter,
  FULL_FRAME_BYTES,
  maxRecipients,
  type UserId,
} from "../../broker/contract.ts";
import type { BrokerClient } from "../../broker/index.ts";
import type { EdgeLink, EdgeRegistry } from "../presence/edge-registry.ts";
import type { OnlineTable } from "../presence/online-table.ts";
import { isOwnName } from "../store/names.ts";
import type { EdgeSender } from "./edge-sender.ts";
import type { DeliveryCost, OutgoingEvent } from "./event.ts";
import { type Outbox, Outboxes } from "./outbox.ts";
import { Pacer } from "./pacer.ts";

export interface FrameCopiesOptions {
  readonly client: BrokerClient;
  readonly registry: EdgeRegistry;
  readonly online: OnlineTable;
  readonly sender: EdgeSender;
  /** Returns the name of a follower's id. */
  readonly nameOf: (id: number) => string;
}

/** The recipients of one event at one edge. */
class Recipients {
  handles = new Uint32Array(64);
  count = 0;

  add(handle: number): void {
    if (this.count === this.handles.length) {
      const larger = new Uint32Array(this.count * 2);
      larger.set(this.handles);
      this.handles = larger;
    }
    this.handles[this.count] = handle;
    this.count += 1;
  }
}

export class FrameCopies {
  readonly #options: FrameCopiesOptions;
  readonly #outboxes: Outboxes;
  readonly #pacer = new Pacer<Outbox>((outbox) => this.#sendFrames(outbox));
  /** Scratch space by edge slot, empty between events. */
  readonly #recipients: Recipients[] = [];
  readonly #touched: EdgeLink[] = [];
  /** The number of frames sent, and of recipients in them. */
  frames = 0;
  handed = 0;

  constructor(options: FrameCopiesOptions) {
    this.#options = options;
    this.#outboxes = new Outboxes(options.registry);
  }

  /** The present delay of frames, in milliseconds. */
  get tickMs(): number {
    return this.#pacer.tickMs;
  }

  send(event: OutgoingEvent, followers: Uint32Array, author: UserId | undefined): DeliveryCost {
    const { online, nameOf } = this.#options;
    let messages = 0;
    let bytes = 0;
    try {
      if (author !== undefined) this.#find(online.firstOf(author));
      for (const follower of followers) {
        this.#find(isOwnName(follower) ? online.first(follower) : online.firstOf(nameOf(follower)));
      }
      for (const edge of this.#touched) {
        const recipients = this.#recipients[edge.slot] as Recipients;
        messages += recipients.count;
        bytes += event.json.length + 4 * recipients.count;
        this.#add(edge, event, recipients);
      }
    } finally {
      // whatever went wrong, the next event must not find this one's recipients
      for (const { slot } of this.#touched) (this.#recipients[slot] as Recipients).count = 0;
      this.#touched.length = 0;
    }
    this.handed += messages;
    return { messages, bytes };
  }

  /** Sends the frames that wait for one edge, before a message that must not overtake them. */
  flushEdge(edge: EdgeLink): void {
    const outbox = this.#outboxes.existing(edge);
    if (outbox !== undefined) this.#sendFrames(outbox);
  }

  /** Sends all waiting frames. */
  flush(): void {
    this.#pacer.flush();
  }

  #find(first: number): void {
    const { online, registry } = this.#options;
    for (let entry = first; entry !== -1; entry = online.next(entry)) {
      const slot = online.slot(entry);
      let recipients = this.#recipients[slot];
      if (recipients === undefined) {
        recipients = new Recipients();
        this.#recipients[slot] = recipients;
      }
      if (recipients.count === 0) {
        const edge = registry.at(slot);
        if (edge === undefined || !edge.presence.isInStep) continue; // receives its copies by name
        this.#touched.push(edge);
      }
      recipients.add(online.handle(entry));
    }
  }

  /** Adds an event to an edge's frame, in several records if one would be too large for the NATS server. */
  #add(edge: EdgeLink, event: OutgoingEvent, { handles, count }: Recipients): void {
    const { maxPayload } = this.#options.client;
    const outbox = this.#outboxes.of(edge);
    const max = maxRecipients(maxPayload, event.id, event.json);
    if (event.counted) this.#sendFrames(outbox); // earlier events are sent first
    for (let at = 0; at < count; at += max) {
      const some = count > max ? handles.subarray(at, at + max) : handles;
      const recipients = Math.min(max, count - at);
      if (event.counted) this.#sendCounted(outbox, event, some, recipients);
      else this.#addRecord(outbox, event, some, recipients, maxPayload);
    }
  }

  #sendCounted({ edge, epoch }: Outbox, event: OutgoingEvent, handles: Uint32Array, count: number): void {
    const alone = new FrameWriter(epoch);
    alone.add(event.id, event.json, handles, count);
    event.asked.add(edge.id);
    this.#options.sender.send(edge, alone.take(FRAME_KIND.counted));
  }

  #addRecord(
    outbox: Outbox,
    { id, json, partition }: OutgoingEvent,
    handles: Uint32Array,
    count: number,
    maxPayload: number,
  ): void {
    const frame = outbox.frame(partition);
    if (frame.length > 0 && frame.lengthWith(id, json, count) > maxPayload) this.#sendFrames(outbox);
    frame.add(id, json, handles, count);
    if (frame.length >= FULL_FRAME_BYTES) this.#sendFrames(outbox);
    else this.#pacer.note(outbox);
  }

  #sendFrames(outbox: Outbox): void {
    for (const frame of outbox.take()) {
      this.frames += 1;
      this.#options.sender.send(outbox.edge, frame);
    }
  }
}
