// The replay of one partition to one stream. A stream of several users has a lane for each, and the events of
// all lanes are merged in ascending order, because a cursor covers every user of the stream. Owned by one
// seam; it holds at most one page per user.

import type { Hole } from "../../broker/contract.ts";
import type { ReplayPage } from "../../broker/index.ts";
import { isOfTopic } from "../fanout/gathered.ts";
import { replayedEvent } from "../fanout/replayed-event.ts";

export interface ReplayedItem {
  readonly id: string;
  readonly json: string;
  readonly sequence: number;
}

/** Something is missing after this sequence. */
export interface ReplayedHole {
  readonly hole: Hole;
  readonly sequence: number;
}

interface Lane {
  readonly user: string;
  items: (ReplayedItem | ReplayedHole)[];
  /** Everything up to this sequence has arrived. */
  reached: number;
  isLast: boolean;
  isAsked: boolean;
}

export class Lanes {
  readonly #lanes: readonly Lane[];

  constructor(users: readonly string[]) {
    this.#lanes = users.map((user) => ({ user, items: [], reached: 0, isLast: false, isAsked: false }));
  }

  /** Whether everything has arrived and was taken. */
  get isDone(): boolean {
    return this.#lanes.every(({ items, isLast }) => items.length === 0 && isLast);
  }

  /** Whether nothing more must arrive before something can be taken. */
  get isReady(): boolean {
    return this.#lanes.every(({ items, isLast }) => items.length > 0 || isLast);
  }

  /** Everything up to this sequence has been taken for every user. */
  get passed(): number {
    return Math.min(...this.#lanes.map(({ items: [first], reached }) => (first ? before(first) : reached)));
  }

  /** Returns the users whose next page is to be requested now, and what they have received. */
  takeWanting(): readonly { readonly user: string; readonly reached: number }[] {
    const wanting = this.#lanes.filter(
      ({ items, isLast, isAsked }) => items.length === 0 && !isLast && !isAsked,
    );
    for (const lane of wanting) lane.isAsked = true;
    return wanting;
  }

  receive(user: string, { events, upTo, last, hole }: ReplayPage): void {
    const lane = this.#lanes.find((one) => one.user === user);
    if (lane === undefined || lane.isLast) return;
    if (hole !== undefined) lane.items.push({ hole, sequence: lane.reached });
    for (const json of events) {
      const event = replayedEvent(json);
      if (event !== undefined) lane.items.push({ id: event.id, json, sequence: event.at.sequence });
    }
    lane.reached = upTo;
    lane.isLast = last;
    lane.isAsked = false;
  }

  /** Takes the next event or hole, once for all users. Undefined if another page must arrive first. */
  take(): ReplayedItem | ReplayedHole | undefined {
    if (!this.isReady) return undefined;
    const next = Math.min(...this.#lanes.map(({ items }) => items[0]?.sequence ?? Number.POSITIVE_INFINITY));
    let taken: ReplayedItem | ReplayedHole | undefined;
    for (const { items } of this.#lanes) {
      const [first] = items;
      const isSame = taken === undefined || "hole" in taken === (first !== undefined && "hole" in first);
      if (first?.sequence === next && isSame) taken = items.shift();
    }
    return taken;
  }

  /** Takes the holes that come before every event. */
  takeFirstHoles(): Hole[] {
    const holes: Hole[] = [];
    for (const { items } of this.#lanes) {
      const [first] = items;
      if (first === undefined || !("hole" in first)) continue;
      holes.push(first.hole);
      items.shift();
    }
    return holes;
  }

  /** Removes events of a topic, or messages without one, that have not been taken for a user. */
  withdraw(user: string, upTo: number, topic: string | undefined): void {
    for (const lane of this.#lanes) {
      if (lane.user !== user) continue;
      lane.items = lane.items.filter(
        (item) => "hole" in item || item.sequence > upTo || !isOfTopic(item.json, topic),
      );
    }
  }
}

/** A hole comes after its sequence. */
function before(item: ReplayedItem | ReplayedHole): number {
  return "hole" in item ? item.sequence : item.sequence - 1;
}
