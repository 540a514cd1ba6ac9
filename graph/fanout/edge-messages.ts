// Sends each edge its messages about events, in order on the edge's own subject, and numbers them per
// partition so that the edge notices when one is lost. Events gather in frames until the end of the turn or
// of a tick (pacer.ts); every other message first sends the frame that waits. Each message names the position
// that the edge reaches with it. What cannot be sent takes a number all the same: the edge then catches up.

import {
  edgeSubject,
  encodeHandles,
  encodeMessage,
  FRAME_KIND,
  type FrameHead,
  type FrameKind,
  FrameWriter,
  FULL_FRAME_BYTES,
  maxRecipients,
} from "../../broker/contract.ts";
import type { BrokerClient, SentPosition } from "../../broker/index.ts";
import { isAfter, type Position } from "../history/sequences.ts";
import type { EdgeLink, EdgeRegistry } from "../presence/edge-registry.ts";
import type { Begun } from "./begun.ts";
import type { OutgoingEvent } from "./event.ts";
import { type Outbox, Outboxes, type PartitionOutbox } from "./outbox.ts";
import { Pacer } from "./pacer.ts";

/** Bytes of a message before its body. */
const HEAD_BYTES = 32;
const NOTHING = new Uint8Array(0);
const NO_HANDLES = new Uint32Array(0);
/** The body of a `close` that ends a counted event. */
const COUNTED = Uint8Array.of(1);

export interface EdgeMessagesOptions {
  readonly client: BrokerClient;
  readonly registry: EdgeRegistry;
  readonly begun: Begun;
}

export class EdgeMessages {
  readonly #client: BrokerClient;
  readonly #begun: Begun;
  readonly #outboxes: Outboxes;
  readonly #pacer = new Pacer<Outbox>((outbox) => this.#sendFrames(outbox));
  /** The number of messages sent. */
  sent = 0;

  constructor({ client, registry, begun }: EdgeMessagesOptions) {
    this.#client = client;
    this.#begun = begun;
    this.#outboxes = new Outboxes(registry, begun);
  }

  /** The present delay of frames, in milliseconds. */
  get tickMs(): number {
    return this.#pacer.tickMs;
  }

  /**
   * Sends a message, after the frame of its partition that waits. Does nothing for an edge whose presence
   * epoch has not begun.
   * @param at the position in its head; otherwise the position that was sent last
   */
  tell(edge: EdgeLink, partition: number, kind: FrameKind, body: Uint8Array, at?: Position): void {
    if (!edge.presence.hasBegun) return;
    const outbox = this.#outboxes.of(edge);
    const part = outbox.of(partition);
    this.#sendFrame(outbox, part);
    this.#publish(edge, encodeMessage(kind, this.#nextHead(outbox, part, at), body));
  }

  /** Adds an event to the frame of an edge. A counted event is sent at once in a message of its own. */
  add(edge: EdgeLink, event: OutgoingEvent, handles: Uint32Array, count: number): void {
    const { id, json, counted, partition } = event;
    const { maxPayload } = this.#client;
    if (count > maxRecipients(maxPayload, id, json)) return this.#addInParts(edge, event, handles, count);
    const outbox = this.#outboxes.of(edge);
    const part = outbox.of(partition);
    if (counted) return this.#sendRecord(outbox, part, FRAME_KIND.counted, event, handles, count);
    const { frame } = part;
    if (frame.length > 0 && frame.lengthWith(id, json, count) > maxPayload) this.#sendFrame(outbox, part);
    frame.add(id, json, handles, count);
    if (isAfter(event, part.reached)) part.reached = { epoch: event.epoch, sequence: event.sequence };
    if (frame.length >= FULL_FRAME_BYTES) this.#sendFrame(outbox, part);
    else this.#pacer.note(outbox);
  }

  /** Tells an edge that a long event begins. */
  open(edge: EdgeLink, event: OutgoingEvent): void {
    const outbox = this.#outboxes.of(edge);
    const part = outbox.of(event.partition);
    this.#sendRecord(outbox, part, FRAME_KIND.open, event, NO_HANDLES, 0);
    part.open.push(event.sequence);
  }

  /** Sends recipients of a long event, unless the edge did not receive its beginning in this epoch. */
  part(edge: EdgeLink, event: OutgoingEvent, handles: Uint32Array, count: number): void {
    if (!this.#hasOpened(edge, event)) return;
    const max = Math.floor((this.#client.maxPayload - HEAD_BYTES) / 4);
    for (let from = 0; from < count; from += max) {
      const some = handles.subarray(from, Math.min(count, from + max));
      const body = encodeHandles(some, some.length);
      this.tell(edge, event.partition, FRAME_KIND.part, body, event);
    }
    if (event.counted) event.asked.add(edge.id);
  }

  /**
   * Tells an edge that a long event has ended, unless the edge did not receive its beginning in this epoch.
   */
  close(edge: EdgeLink, event: OutgoingEvent): void {
    if (!this.#hasOpened(edge, event)) return;
    const { open } = this.#outboxes.of(edge).of(event.partition);
    open.splice(open.indexOf(event.sequence), 1);
    const body = event.counted ? COUNTED : NOTHING;
    this.tell(edge, event.partition, FRAME_KIND.close, body, event);
  }

  /** Schedules the position of an edge in `subject` mode to be sent after the copies of this turn. */
  noteMoved(edge: EdgeLink, partition: number): void {
    const outbox = this.#outboxes.of(edge);
    outbox.of(partition);
    this.#pacer.note(outbox);
  }

  /** Tells an edge in `subject` mode at once that the copies of an event have been sent. */
  sendPosition(edge: EdgeLink, event: OutgoingEvent): void {
    const outbox = this.#outboxes.of(edge);
    const part = outbox.of(event.partition);
    this.#publish(edge, part.frame.take(FRAME_KIND.frame, this.#nextHead(outbox, part, event)));
  }

  /**
   * Takes a number without a message, because something that the numbers do not count was lost on the way to
   * the edge: it then notices a gap and catches up.
   */
  skip(edge: EdgeLink, partition: number): void {
    if (edge.presence.hasBegun) this.#outboxes.of(edge).of(partition).number += 1;
  }

  /** Notes that an edge that catches up was sent everything up to a position. */
  advance(edge: EdgeLink, partition: number, to: Position): void {
    const part = this.#outboxes.of(edge).of(partition);
    part.reached = laterOf(part.reached, to);
  }

  /** Returns the position up to which an edge that catches up was sent everything. */
  reached(edge: EdgeLink, partition: number): Position {
    return this.#outboxes.of(edge).of(partition).reached;
  }

  /** Returns what was sent to an edge in step: the positions of an acknowledgement, after `flushEdge`. */
  positions(edge: EdgeLink, partitions: readonly number[]): SentPosition[] {
    const outbox = this.#outboxes.of(edge);
    return partitions.map((partition) => {
      const { number, open } = outbox.of(partition);
      const { epoch, sequence } = this.#begun.at(partition);
      return { partition, epoch, sequence, open: [...open], number };
    });
  }

  /** Sends the frames that wait for one edge, before a message that must not overtake them. */
  flushEdge(edge: EdgeLink): void {
    const outbox = this.#outboxes.existing(edge);
    if (outbox !== undefined) this.#sendFrames(outbox);
  }

  /** Sends all frames that wait. */
  flush(): void {
    this.#pacer.flush();
  }

  #hasOpened(edge: EdgeLink, event: OutgoingEvent): boolean {
    const part = this.#outboxes.existing(edge)?.of(event.partition);
    return part?.open.includes(event.sequence) === true;
  }

  /** Sends an event with more recipients than fit into a message. It reaches all of them in one turn. */
  #addInParts(edge: EdgeLink, event: OutgoingEvent, handles: Uint32Array, count: number): void {
    this.open(edge, event);
    this.part(edge, event, handles, count);
    this.close(edge, event);
  }

  #sendRecord(
    outbox: Outbox,
    part: PartitionOutbox,
    kind: FrameKind,
    event: OutgoingEvent,
    handles: Uint32Array,
    count: number,
  ): void {
    this.#sendFrame(outbox, part); // earlier events are sent first
    const alone = new FrameWriter();
    alone.add(event.id, event.json, handles, count);
    if (event.counted) event.asked.add(outbox.edge.id);
    this.#publish(outbox.edge, alone.take(kind, this.#nextHead(outbox, part, event)));
  }

  #sendFrames(outbox: Outbox): void {
    for (const part of outbox.parts) this.#sendFrame(outbox, part);
  }

  /** Sends the frame that waits. An edge in `subject` mode is sent one without events if it moves. */
  #sendFrame(outbox: Outbox, part: PartitionOutbox): void {
    const { isInStep, mode } = outbox.edge.presence;
    const begun = isInStep ? this.#begun.at(part.partition) : part.reached;
    const isMoved = isAfter(begun, part.reached);
    if (part.frame.length === 0 && !(isMoved && mode === "subject")) return;
    if (isMoved) part.reached = begun;
    this.#publish(outbox.edge, part.frame.take(FRAME_KIND.frame, this.#nextHead(outbox, part)));
  }

  #nextHead(outbox: Outbox, part: PartitionOutbox, at: Position = part.reached): FrameHead {
    part.number += 1;
    part.reached = laterOf(part.reached, at);
    const { epoch, sequence } = at;
    const { partition, number } = part;
    return { partition, presenceEpoch: outbox.epoch, number, epoch, sequence };
  }

  #publish(edge: EdgeLink, message: Uint8Array): void {
    this.sent += 1;
    this.#client.publish(edgeSubject(edge.id), message);
  }
}

function laterOf(one: Position, other: Position): Position {
  return isAfter(other, one) ? other : one;
}
