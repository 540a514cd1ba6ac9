// `subject` mode: copies of events that wait for the position which covers them. The copies of one event
// arrive one by one, and a reader's cursor may only say that an event has passed when all of its copies have.
// The graph sends the position after them, once per turn, so a copy waits about a millisecond. Owned by the
// fan-out; while the edge catches up, copies wait until that is finished.

import type { UserId } from "../../broker/contract.ts";
import { PositionedEvent } from "../formats/positioned-event.ts";
import type { ConnectionPool } from "../pool/pool.ts";
import type { EventTallies } from "../presence/tallies.ts";
import { isOfTopic } from "./gathered.ts";
import type { Progress } from "./progress.ts";

interface HeldEvent {
  readonly id: string;
  readonly json: string;
  readonly epoch: number;
  /** User → whether the delivery is counted. */
  readonly users: Map<UserId, boolean>;
}

/** A user no longer receives a topic's events up to a sequence. */
interface Ended {
  readonly upTo: number;
  readonly topic: string | undefined;
  readonly user: UserId;
}

export interface HeldCopiesOptions {
  readonly pool: ConnectionPool;
  readonly progress: Progress;
  readonly tallies: EventTallies;
}

export class HeldCopies {
  readonly #options: HeldCopiesOptions;
  /** By partition, then by sequence. */
  readonly #held = new Map<number, Map<number, HeldEvent>>();
  /** By partition, while a long event is open: its later copies come from a snapshot. */
  readonly #ended = new Map<number, Ended[]>();

  constructor(options: HeldCopiesOptions) {
    this.#options = options;
  }

  /** Holds one user's copy, unless the event has passed already. */
  hold(
    { partition, epoch, sequence }: { partition: number; epoch: number; sequence: number },
    { id, json }: { id: string; json: () => string },
    user: UserId,
    counted: boolean,
  ): void {
    const at = this.#options.progress.positions.at(partition);
    const hasPassed =
      at !== undefined && at.epoch === epoch && sequence <= at.sequence && !at.open.includes(sequence);
    if (hasPassed || epoch < (at?.epoch ?? epoch)) return;
    const events = this.#held.get(partition) ?? new Map<number, HeldEvent>();
    this.#held.set(partition, events);
    let event = events.get(sequence);
    if (event?.epoch !== epoch) {
      event = { id, json: json(), epoch, users: new Map() };
      events.set(sequence, event);
    }
    const { json: text } = event;
    const isEnded = (ended: Ended): boolean =>
      ended.user === user && sequence <= ended.upTo && isOfTopic(text, ended.topic);
    if (this.#ended.get(partition)?.some(isEnded) !== true) event.users.set(user, counted);
  }

  /** Delivers what a position covers, in order, except long events that are still open. */
  release(partition: number, upTo: number): void {
    const events = this.#held.get(partition);
    if (events === undefined || events.size === 0) return;
    const open = this.#options.progress.positions.at(partition)?.open ?? [];
    const covered = [...events.keys()].filter((sequence) => sequence <= upTo && !open.includes(sequence));
    for (const sequence of covered.sort((one, other) => one - other)) this.#deliver(partition, sequence);
  }

  /** Delivers a long event whose last copy has arrived. */
  close(partition: number, sequence: number): void {
    if (this.#options.progress.positions.at(partition)?.open.length === 0) this.#ended.delete(partition);
    if (this.#held.get(partition)?.has(sequence) === true) this.#deliver(partition, sequence);
  }

  /** Removes a user's copies of a topic's events, or of messages without one, up to a sequence. */
  withdraw(partition: number, upTo: number, topic: string | undefined, user: UserId): void {
    if ((this.#options.progress.positions.at(partition)?.open.length ?? 0) > 0)
      this.#ended.set(partition, [...(this.#ended.get(partition) ?? []), { upTo, topic, user }]);
    for (const [sequence, { json, users }] of this.#held.get(partition) ?? [])
      if (sequence <= upTo && isOfTopic(json, topic)) users.delete(user);
  }

  #deliver(partition: number, sequence: number): void {
    const { pool, progress, tallies } = this.#options;
    const events = this.#held.get(partition);
    const held = events?.get(sequence);
    if (held === undefined) return;
    events?.delete(sequence);
    if (held.epoch < (progress.positions.at(partition)?.epoch ?? held.epoch)) return; // of a lost history
    progress.reach({ partition, epoch: held.epoch, sequence });
    const event = new PositionedEvent(held.id, held.json, progress.cursor(partition));
    for (const [user, counted] of held.users) {
      const delivered = pool.deliver(pool.table.find(user), event);
      if (delivered !== undefined && counted) tallies.note(held.id, user, delivered);
    }
  }
}
