// Reads one page of what a returning reader missed in a partition. A page ends when it is full, before a
// hole, or at the position that was requested; the edge then requests the next one from where it ended. Holes
// come in order: after everything that was stored before them. Where the history cannot tell everything, the
// page holds no events and the reason instead. Reads rows from memory or disk and keeps nothing.

import type { Hole, ResyncReason } from "../../broker/contract.ts";
import { decodeHole, type ReplayItem, type ReplayPage } from "../../broker/index.ts";
import type { History } from "../history/history.ts";
import { makeHole } from "../history/hole.ts";
import { ROW_KIND } from "../history/row.ts";
import { isAfter, type Position } from "../history/sequences.ts";
import { Recipient, type RecipientSources } from "./recipient.ts";

/** Maximum number of events per gap, unless it is set. */
export const DEFAULT_REPLAY_EVENTS = 1_000;
/** Maximum size of a page's events in bytes, unless NATS takes less. An event larger than that is alone. */
export const PAGE_BYTES = 262_144;
/** Bytes of a message besides its events: the head of a frame, and that of a page with a hole. */
const HEAD_BYTES = 1_024;

export interface PageReaderOptions extends RecipientSources {
  readonly history: History;
  /** Returns the newest position whose fan-out has begun in a partition. */
  readonly begun: (partition: number) => Position;
  /** Maximum number of events per gap. */
  readonly maxEvents: number;
  /** Returns the maximum size of a message on the NATS server. */
  readonly maxPayload: () => number;
}

/** A page, whose events are views of the history: valid until the next turn of the event loop. */
export interface Page {
  readonly head: Omit<ReplayPage, "events">;
  readonly events: readonly Uint8Array[];
  readonly bytes: number;
}

export class PageReader {
  readonly #options: PageReaderOptions;

  constructor(options: PageReaderOptions) {
    this.#options = options;
  }

  /**
   * Returns the next page of a gap. Must not be called while the history or the store is being reopened. With
   * 30 follows, takes about 10 µs plus 1 µs per event in memory and 6 µs per event on disk.
   * @throws GraphError GRAPH_DAMAGED
   */
  read(partition: number, item: ReplayItem): Page {
    const refused = this.#refuse(partition, item);
    if (refused !== undefined) return refusal(item, refused);
    const { history, begun, maxEvents } = this.#options;
    const upTo = Math.min(item.upTo, begun(partition).sequence);
    const recipient = new Recipient(this.#options, partition, item.user);
    const find = (exact: boolean) =>
      history.findMissed(
        partition,
        exact ? recipient.exactTags : recipient.tags,
        item.after,
        { epoch: history.epoch, sequence: upTo },
        maxEvents,
      );
    let missed = find(false);
    // in the unlikely case that many events of another name share a tag, a gap is refused that would fit
    if (missed.events > maxEvents) missed = find(true);
    if (missed.events > maxEvents) return refusal(item, this.#hole("too-many", partition, item));
    return this.#fill(item, upTo, missed.ordinals, recipient);
  }

  /** Returns why nothing can be replayed, if that is so. */
  #refuse(partition: number, item: ReplayItem): Hole | undefined {
    const { history, begun } = this.#options;
    // no position of another epoch has a complete history: epochs begin when a history is lost or set back
    if (item.after.epoch !== history.epoch || isAfter(item.after, begun(partition)))
      return makeHole("unknown-cursor", undefined, history.oldestMs);
    const first = firstGap(item);
    const isStored =
      first.sequence >= item.upTo || history.earliestDeletedAfter(partition, first) === undefined;
    return isStored ? undefined : this.#hole("too-old", partition, item);
  }

  #hole(reason: ResyncReason, partition: number, item: ReplayItem): Hole {
    const { history } = this.#options;
    return makeHole(reason, history.earliestAfter(partition, firstGap(item)), history.oldestMs);
  }

  #fill(item: ReplayItem, upTo: number, ordinals: readonly number[], recipient: Recipient): Page {
    const { request } = item;
    const filling = new Filling(Math.min(PAGE_BYTES, this.#maxEventBytes));
    for (const ordinal of ordinals)
      if (!this.#add(filling, ordinal, recipient))
        return filling.page({ request, upTo: filling.reached, last: false });
    return filling.page({ request, upTo, last: upTo === item.upTo });
  }

  /** Adds a row to a page, or returns false if the page ends before it. */
  #add(filling: Filling, ordinal: number, recipient: Recipient): boolean {
    const { history } = this.#options;
    const { sequence } = history.placeOf(ordinal);
    const row = history.read(ordinal);
    // a row that left memory before the disk accepted it is marked as lost, or can be read nowhere yet
    if (row === undefined || row.kind === ROW_KIND.lost)
      return filling.addHole(sequence, makeHole("late", history.earliestTimeOf(ordinal), history.oldestMs));
    if (row.kind === ROW_KIND.hole)
      return filling.addHole(sequence, { ...decodeHole(row.body), ...oldestIn(history) });
    if (!recipient.receives(row)) return filling.skip(sequence);
    // the server took larger messages when the event was accepted
    if (row.body.length > this.#maxEventBytes)
      return filling.addHole(sequence, makeHole("late", row.timeMs, history.oldestMs));
    return filling.addEvent(sequence, row.body);
  }

  get #maxEventBytes(): number {
    return this.#options.maxPayload() - HEAD_BYTES;
  }
}

/** The content of a page while rows are added to it. */
class Filling {
  readonly #maxBytes: number;
  readonly #events: Uint8Array[] = [];
  #hole: Hole | undefined;
  #bytes = 0;
  /** The sequence of the last row that the page has passed. */
  reached = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  page(head: Omit<ReplayPage, "events" | "hole">): Page {
    const hole = this.#hole && { hole: this.#hole };
    return { head: { ...head, ...hole }, events: this.#events, bytes: this.#bytes };
  }

  skip(sequence: number): true {
    this.reached = sequence;
    return true;
  }

  /** A hole comes before a page's events. Consecutive losses are one hole. */
  addHole(sequence: number, hole: Hole): boolean {
    const before = this.#hole;
    if (this.#events.length > 0) return false;
    if (before !== undefined && (before.reason !== "late" || hole.reason !== "late")) return false;
    this.#hole = { ...hole, since: earlier(before?.since ?? hole.since, hole.since) };
    return this.skip(sequence);
  }

  addEvent(sequence: number, json: Uint8Array): boolean {
    const bytes = json.length + 1;
    if (this.#events.length > 0 && this.#bytes + bytes > this.#maxBytes) return false;
    this.#events.push(json);
    this.#bytes += bytes;
    return this.skip(sequence);
  }
}

function refusal({ request, upTo }: ReplayItem, hole: Hole): Page {
  return { head: { request, upTo, last: true, hole }, events: [], bytes: 0 };
}

function oldestIn({ oldestMs }: History): Pick<Hole, "oldest"> {
  return oldestMs === undefined ? {} : { oldest: new Date(oldestMs).toISOString() };
}

/** Returns a position before everything that a reader may lack. */
function firstGap({ after }: ReplayItem): Position {
  const sequence = after.open.reduce((first, open) => Math.min(first, open - 1), after.sequence);
  return { epoch: after.epoch, sequence };
}

/** Returns the earlier time. Times of one form sort as text. */
function earlier(one: string | undefined, other: string | undefined): string | undefined {
  return one === undefined || other === undefined || one < other ? one : other;
}
