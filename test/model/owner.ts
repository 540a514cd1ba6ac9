// The owner of one partition: it begins events in order, sends frames to each edge (in `subject` mode,
// copies, and frames with the position that they have reached), and serves replays from the history. A new
// owner has nothing but the history.

import type { History } from "./history.ts";
import { laneOf } from "./history.ts";
import type { EdgeBeat, Mode, Record, ToEdge, ToOwner, Withdrawal } from "./messages.ts";
import { covers, type Position } from "./position.ts";
import type { Rules } from "./rules.ts";

/** Number of parts in which a long event is sent. */
const PARTS = 3;
/** Long events in progress at a time. A further one waits, and with it everything after it. */
const MAX_LONG = 2;

/** The interface through which an owner acts on the model. */
export interface OwnerWorld {
  readonly rules: Rules;
  readonly history: Pick<History, "base" | "last" | "at">;
  /** Returns true half of the time. */
  toss(): boolean;
  follows(user: number, topic: number): boolean;
  /** Returns the users whose copies the owner's NATS server would deliver to an edge. */
  subscribed(edge: number): Set<number>;
  send(edge: number, message: ToEdge): void;
}

/** One edge in one presence epoch. */
interface Link {
  readonly mode: Mode;
  readonly epoch: number;
  /** User → handle. */
  readonly users: Map<number, number>;
  delta: number;
  frames: number;
  pending: Record[];
  /** The last event that the last frame covered. */
  sentTo: number;
}

interface LongEvent {
  readonly seq: number;
  parts: number;
}

export class Owner {
  readonly start: number;
  readonly #world: OwnerWorld;
  readonly #links = new Map<number, Link>();
  readonly #long: LongEvent[] = [];
  /** The newest event whose fan-out has begun. */
  head: number;

  constructor(world: OwnerWorld, start: number, head: number) {
    this.#world = world;
    this.start = start;
    this.head = head;
  }

  /** The oldest event that the fan-out still reads. */
  get needed(): number {
    return this.#long[0]?.seq ?? this.head + 1;
  }

  /** Begins the next event. Returns false if there is none, or no room for another long one. */
  begin(): boolean {
    const { history } = this.#world;
    if (this.head >= history.last) return false;
    const entry = history.at(this.head + 1);
    const lane = laneOf(entry);
    const isBehind = this.#long.some(({ seq }) => laneOf(history.at(seq)) === lane);
    const isLong = (entry.kind === "topic" && entry.long) || isBehind;
    if (isLong && this.#long.length >= MAX_LONG) return false;
    this.head += 1;
    for (const [edge, link] of this.#links) {
      if (isLong) link.pending.push({ kind: "open", seq: this.head });
      else this.#sendWhole(edge, link, this.head);
    }
    if (isLong) this.#long.push({ seq: this.head, parts: 0 });
    return true;
  }

  /** Sends one part of the oldest long event. */
  sendPart(): boolean {
    const long = this.#long[0];
    if (long === undefined) return false;
    for (const [edge, link] of this.#links)
      this.#sendCopies(edge, link, long.seq, (user) => user % PARTS === long.parts);
    long.parts += 1;
    if (long.parts < PARTS) return true;
    for (const link of this.#links.values()) link.pending.push({ kind: "close", seq: long.seq });
    this.#long.shift();
    return true;
  }

  /** Sends the pending records to an edge, with the position that they reach. */
  flush(edge: number): boolean {
    const link = this.#links.get(edge);
    if (link === undefined) return false;
    link.frames += 1;
    this.#send(edge, link, { kind: "frame", number: link.frames, records: link.pending, to: this.head });
    link.pending = [];
    link.sentTo = this.head;
    return true;
  }

  /** Whether there is something to send to an edge, even if only a new position. */
  hasPending(edge: number): boolean {
    const link = this.#links.get(edge);
    return link !== undefined && (link.pending.length > 0 || link.sentTo < this.head);
  }

  /** Ends a follow: its events are removed from the edges' buffers, in order with what was sent before. */
  withdraw(user: number, topic: number, ending: number): void {
    const withdrawal: Withdrawal = { kind: "withdraw", user, topic, ending, upTo: this.head };
    for (const link of this.#links.values())
      if (link.mode === "subject" || link.users.has(user)) link.pending.push(withdrawal);
  }

  /** Replies to an edge's beat: its next frame reveals whether one was lost. */
  receiveBeat(edge: number, { epoch, delta, owner }: EdgeBeat): void {
    const link = this.#links.get(edge);
    if (owner < this.start) this.#world.send(edge, { owner: this.start, epoch, kind: "announce" });
    else if (link?.epoch === epoch && link.delta === delta) this.#acknowledge(edge, link);
    else this.#world.send(edge, { owner: this.start, epoch, kind: "restart" });
  }

  receive(edge: number, message: ToOwner): void {
    if (message.kind === "snapshot") return this.#begin(edge, message);
    if (message.kind === "subscribe") {
      const subscribed = this.#world.subscribed(edge);
      if (message.on) subscribed.add(message.user);
      else subscribed.delete(message.user);
      return;
    }
    const link = this.#links.get(edge);
    if (link === undefined) return;
    if (message.kind === "mark") {
      // the marker's place among the copies is the proof
      const { user, subscription } = message;
      if (this.#world.subscribed(edge).has(user))
        this.#send(edge, link, { kind: "marker", user, subscription, at: this.#position });
      return;
    }
    if (message.epoch !== link.epoch) return;
    if (message.kind === "replay") return this.#replay(edge, link, message);
    if (message.delta !== link.delta + 1) return;
    link.delta = message.delta;
    if (message.join !== undefined) link.users.set(message.join.user, message.join.handle);
    if (message.leave !== undefined) link.users.delete(message.leave);
    this.#acknowledge(edge, link);
  }

  get #position(): Position {
    return { main: this.head, open: this.#long.map(({ seq }) => seq) };
  }

  #begin(edge: number, { mode, epoch, users, position }: Extract<ToOwner, { kind: "snapshot" }>): void {
    this.#links.delete(edge);
    if (position !== undefined && this.#world.rules.lagging) {
      while (this.head < position.main) if (!this.begin()) this.sendPart();
    }
    const link: Link = { mode, epoch, users: new Map(users), delta: 1, frames: 0, pending: [], sentTo: 0 };
    this.#links.set(edge, link);
    if (position === undefined) for (const { seq } of this.#long) link.pending.push({ kind: "open", seq });
    else this.#catchUp(edge, link, position);
    this.#acknowledge(edge, link);
  }

  /** Sends everything that an edge at `position` lacks. */
  #catchUp(edge: number, link: Link, position: Position): void {
    const { base } = this.#world.history;
    const isStored = (seq: number): boolean => seq >= base || this.#long.some((long) => long.seq === seq);
    let from = position.main + 1;
    if (from < base || !position.open.every(isStored)) {
      if (this.#world.rules.historyBound) link.pending.push({ kind: "late", to: base - 1 });
      from = Math.max(from, base);
    }
    for (const seq of position.open.filter(isStored)) this.#sendOpened(edge, link, seq, false);
    for (let seq = from; seq <= this.head; seq += 1) {
      if (this.#long.some((long) => long.seq === seq)) this.#sendOpened(edge, link, seq, true);
      else this.#sendWhole(edge, link, seq);
    }
  }

  /** Sends the parts of a long event that were sent so far, or all of it if it has ended. */
  #sendOpened(edge: number, link: Link, seq: number, isNew: boolean): void {
    const long = this.#long.find((one) => one.seq === seq);
    if (isNew) link.pending.push({ kind: "open", seq });
    this.#sendCopies(edge, link, seq, (user) => long === undefined || user % PARTS < long.parts);
    if (long === undefined) link.pending.push({ kind: "close", seq });
  }

  #sendWhole(edge: number, link: Link, seq: number): void {
    if (this.#world.history.at(seq).kind === "restart") link.pending.push({ kind: "restart", seq });
    else if (link.mode === "subject") this.#sendCopies(edge, link, seq, () => true);
    else {
      const handles = this.#handlesOf(link, seq, () => true);
      if (handles.length > 0 || this.#world.toss()) link.pending.push({ kind: "event", seq, handles });
    }
  }

  #sendCopies(edge: number, link: Link, seq: number, isIn: (user: number) => boolean): void {
    if (link.mode === "frames") {
      link.pending.push({ kind: "part", seq, handles: this.#handlesOf(link, seq, isIn) });
      return;
    }
    // live copies go to NATS subscribers; a catch-up, at the start of an epoch, goes to the announced users
    const users = link.delta === 1 && link.frames === 0 ? link.users.keys() : this.#world.subscribed(edge);
    for (const user of users)
      if (isIn(user) && this.#isFor(user, seq)) this.#send(edge, link, { kind: "copy", seq, user });
  }

  #handlesOf(link: Link, seq: number, isIn: (user: number) => boolean): number[] {
    return [...link.users]
      .filter(([user]) => isIn(user) && this.#isFor(user, seq))
      .map(([, handle]) => handle);
  }

  #isFor(user: number, seq: number): boolean {
    const entry = this.#world.history.at(seq);
    if (entry.kind === "topic") return this.#world.follows(user, entry.topic);
    return entry.kind === "direct" && entry.user === user;
  }

  #replay(
    edge: number,
    link: Link,
    { stream, user, after, upTo }: Extract<ToOwner, { kind: "replay" }>,
  ): void {
    const { history, rules } = this.#world;
    const events: number[] = [];
    for (let seq = history.base; seq <= Math.min(upTo, history.last); seq += 1) {
      if (covers(after, seq)) continue;
      if (history.at(seq).kind === "restart" || this.#isFor(user, seq)) events.push(seq);
    }
    const isStored =
      (after.main >= upTo || after.main + 1 >= history.base) &&
      after.open.every((seq) => seq >= history.base);
    this.flush(edge); // so that a follow that ended before removes nothing that is read now
    this.#send(edge, link, {
      kind: "replayed",
      stream,
      events,
      complete: isStored || !rules.historyBound,
    });
  }

  #acknowledge(edge: number, link: Link): void {
    this.flush(edge); // the acknowledgement follows everything that had begun before
    this.#send(edge, link, { kind: "acknowledge", delta: link.delta });
  }

  #send(edge: number, link: Link, message: DistributedOmit<ToEdge>): void {
    this.#world.send(edge, { owner: this.start, epoch: link.epoch, ...message } as ToEdge);
  }
}

type DistributedOmit<T> = T extends unknown ? Omit<T, "owner" | "epoch"> : never;
