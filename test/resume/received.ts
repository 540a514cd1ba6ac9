// What one reader received over all of its connections, and what it was to receive: the ranges of events of
// the topics that its user followed. Owned by the ledger, which compares the two.

import type { Block, Hole } from "./blocks.ts";

/** Numbers of a topic that a reader must receive. */
interface Range {
  from: number;
  to: number;
}

/** A resync as it was received. */
export interface ReceivedHole extends Hole {
  /** Published before this many events, of all topics. */
  readonly before: number;
  /** When it was received, in milliseconds since 1970. */
  readonly atMs: number;
}

/** A cursor that sorts before an earlier one. */
export interface CursorBack {
  readonly earlier: string;
  /** When it was received, in milliseconds since 1970. */
  readonly atMs: number;
}

/** What has been published so far. */
export interface PublishedSoFar {
  /** Events of all topics. */
  readonly total: number;
  countOf(topic: string): number;
}

/** The name under which direct messages to a user are numbered. It cannot be a topic. */
export function inboxOf(user: string): string {
  return `@${user}`;
}

/** What one reader received. */
export class Received {
  readonly name: string;
  readonly user: string;
  /** What must be received, by topic; the last range of a followed topic has no end. */
  readonly ranges: Map<string, Range[]> = new Map();
  /** Numbers below this may be received as well, by topic: a change of the follow was being made. */
  readonly mayBelow: Map<string, number> = new Map();
  /** Numbers by topic, in the order of receipt. */
  readonly numbers: Map<string, number[]> = new Map();
  /** Topics whose events must not be received any more once an event of another topic has been. */
  readonly withdrawn: Map<string, { readonly after: string; readonly n: number }> = new Map();
  readonly holes: ReceivedHole[] = [];
  /** Events in all. */
  count = 0;
  /** Cursors that sort before an earlier one. */
  readonly cursorsBack: CursorBack[] = [];
  /** Events that were not for this reader, or were withdrawn and received too late. */
  readonly forbidden: { readonly topic: string; readonly n: number }[] = [];
  #lastCursor = "";
  #lastEventCursor = "";
  readonly #published: PublishedSoFar;

  constructor(name: string, user: string, published: PublishedSoFar) {
    this.name = name;
    this.user = user;
    this.#published = published;
  }

  note({ kind, cursor, event, hole }: Block): void {
    if (cursor !== undefined) {
      const isEventBack = kind === "event" && cursor <= this.#lastEventCursor;
      const earlier = isEventBack ? this.#lastEventCursor : this.#lastCursor;
      if (isEventBack || cursor < earlier) this.cursorsBack.push({ earlier, atMs: nowMs() });
      this.#lastCursor = cursor;
      if (kind === "event") this.#lastEventCursor = cursor;
    }
    if (hole !== undefined) this.holes.push({ ...hole, before: this.#published.total, atMs: nowMs() });
    if (event === undefined) return;
    const topic = event.topic ?? inboxOf(this.user);
    const { n } = event.data as { n: number };
    const end = this.withdrawn.get(topic);
    if (!this.#isFor(topic, n) || (end !== undefined && this.last(end.after) >= end.n))
      this.forbidden.push({ topic, n });
    const numbers = this.numbers.get(topic);
    if (numbers === undefined) this.numbers.set(topic, [n]);
    else numbers.push(n);
    this.count += 1;
  }

  /** The number received last in a topic, or -1. */
  last(topic: string): number {
    return this.numbers.get(topic)?.at(-1) ?? -1;
  }

  /** Whether an event is for this reader, as far as the graph has replied by now. */
  #isFor(topic: string, n: number): boolean {
    if (n >= this.#published.countOf(topic)) return false;
    if (n < (this.mayBelow.get(topic) ?? 0)) return true;
    return this.ranges.get(topic)?.some(({ from, to }) => n >= from && n < to) === true;
  }
}

/** The time of this process since 1970, which does not go back when the wall clock is set. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}
