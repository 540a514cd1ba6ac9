// The seam of one stream: the place where what its reader missed ends and live events begin. The pool holds
// the stream corked meanwhile and buffers live events for it.
//
//   joining ──▶ waiting ──▶ replaying ──▶ going live ──▶ ordinary stream
//                  ▲                          │ the buffer overflowed
//                  └──────────────────────────┘
//
// joining: the pool must hold the stream, and the graph must know its users. waiting: this edge must have
// passed everything that the replay will contain. replaying: pages are written as the reader takes them.
// Nothing of a seam remains when its stream is live. The rules are those of test/model.

import { type Hole, type Positions, parseCursor } from "../../broker/contract.ts";
import type { ReplayPage } from "../../broker/index.ts";
import type { Floor } from "../fanout/fanout.ts";
import type { Progress } from "../fanout/progress.ts";
import type { ConnectionPool } from "../pool/pool.ts";
import type { ResyncCounts } from "../resync-counts.ts";
import { Lanes } from "./lanes.ts";
import { mergeHoles } from "./merged-hole.ts";
import type { ReplayRequests } from "./replay-requests.ts";
import { ReturningText } from "./returning-text.ts";
import { type EndedFollow, SeamBuffer } from "./seam-buffer.ts";
import type { SeamRequest } from "./seam-request.ts";

/** A write is at least this large if more follows. The next one waits until the reader has taken it. */
const SLICE_BYTES = 65_536;
/** How long a cursor may be ahead of this edge, whose owners have been asked for their positions. */
const AHEAD_MS = 2_500;
/** The first acknowledgement after a question may have been on its way already. */
const ACKNOWLEDGEMENTS = 2;
/** How long an owner may take to reply. */
export const REPLY_MS = 5_000;

/** What is written next to a stream. */
interface Piece {
  readonly text: string;
  readonly events: number;
}

export interface SeamOptions {
  readonly pool: ConnectionPool;
  readonly progress: Progress;
  readonly requests: ReplayRequests;
  readonly resyncs: ResyncCounts;
  /** Asks the owners for their present positions. */
  readonly askPositions: () => void;
  /** By the monotonic clock. */
  readonly nowMs: () => number;
  /** Called whenever the seam has advanced or has to wait for something else. */
  readonly onChange: (seam: Seam) => void;
}

export class Seam {
  readonly #options: SeamOptions;
  readonly #request: SeamRequest;
  readonly #text: ReturningText;
  readonly #buffer: SeamBuffer;
  #state: "joining" | "waiting" | "replaying" | "live" = "joining";
  #isHeld = false;
  #floor: Floor | undefined;
  /** By partition: the last event of the replay. */
  #upTo: number[] = [];
  readonly #lanes = new Map<number, Lanes>();
  #hasBegun = false;
  #isDraining = false;
  #deadlineMs: number;
  /** Since when a position is ahead of this edge, and how often the owners had acknowledged theirs then. */
  #ahead: { readonly sinceMs: number; readonly counts: readonly number[] } | undefined;

  constructor(options: SeamOptions, request: SeamRequest) {
    this.#options = options;
    this.#request = request;
    this.#text = new ReturningText(options, request);
    this.#buffer = new SeamBuffer(options.pool, options.progress, request.cork);
    this.#deadlineMs = options.nowMs() + REPLY_MS;
  }

  get isDone(): boolean {
    return this.#state === "live";
  }

  /** Whether this edge must first pass what the replay will contain. */
  get isWaiting(): boolean {
    return this.#state === "joining" ? this.#isHeld && this.#floor !== undefined : this.#state === "waiting";
  }

  /** Whether the reader must first take what was written. */
  get isDraining(): boolean {
    return this.#state === "replaying" && this.#isDraining;
  }

  get isReturning(): boolean {
    return this.#request.presented !== undefined;
  }

  /** The pool holds the stream. */
  held(): void {
    this.#isHeld = true;
    if (this.isDone) this.#options.pool.endCorked(this.#request.cork, "busy");
    else this.settle();
  }

  /** The graph knows the users, whose events arrive here after this floor. */
  certain(floor: Floor): void {
    this.#floor = floor;
    this.settle();
  }

  /** Ends the stream if an owner has not replied in time. */
  checkTime(): void {
    if (this.isDone) return;
    if (this.#options.nowMs() < this.#deadlineMs) return this.settle();
    this.#options.pool.endCorked(this.#request.cork, "busy");
    this.#finish();
    this.#options.onChange(this);
  }

  receive(partition: number, user: string, page: ReplayPage): void {
    this.#deadlineMs = this.#options.nowMs() + REPLY_MS;
    this.#lanes.get(partition)?.receive(user, page);
    this.#ask(partition);
    this.settle();
  }

  withdraw(ended: EndedFollow): void {
    const { partition, user, upTo, topic } = ended;
    if (!this.#request.users.includes(user)) return;
    this.#lanes.get(partition)?.withdraw(user, upTo, topic);
    if (this.#request.users.length === 1) this.#buffer.withdraw(ended);
  }

  /** A hole has passed this edge. Only a replay has it in its place among the events. */
  skip(partition: number, sequence: number): void {
    if (this.#text.reader !== undefined && sequence > (this.#upTo[partition] ?? 0)) this.#buffer.spoil();
  }

  /** Advances as far as possible. */
  settle(): void {
    if (this.#state === "joining") this.#join();
    if (this.#state === "waiting") this.#wait();
    if (this.#state === "replaying") this.#replay();
    this.#options.onChange(this);
  }

  #join(): void {
    const { progress } = this.#options;
    const { presented } = this.#request;
    const floor = this.#floor;
    if (!this.#isHeld || floor === undefined || !progress.positions.isComplete) return;
    if (presented === undefined) {
      const isThere = floor.every((sequence, partition) => progress.hasReached(partition, sequence));
      return isThere ? this.#openAtPresent(undefined) : undefined;
    }
    const cursor = presented.cursor === undefined ? undefined : parseCursor(presented.cursor);
    const reader = cursor && progress.positions.resolve(cursor);
    if (cursor === undefined || reader === undefined)
      return this.#openAtPresent({ reason: "unknown-cursor" });
    progress.clock.follow(cursor.stamp);
    this.#begin(reader);
  }

  /** Begins to replay up to where this edge is, or the reader if it is further. */
  #begin(reader: Positions): void {
    const { positions } = this.#options.progress;
    this.#text.reader = reader;
    this.#upTo = Array.from({ length: positions.of }, (_, partition) =>
      Math.max(
        positions.at(partition)?.sequence ?? 0,
        reader.at(partition)?.sequence ?? 0,
        this.#floor?.[partition] ?? 0,
      ),
    );
    this.#state = "waiting";
  }

  #wait(): void {
    const { progress, nowMs } = this.#options;
    const { positions } = progress;
    const at = this.#upTo.map((upTo, partition) => ({ upTo, position: positions.at(partition) }));
    const isAhead = at.some(({ upTo, position }) => (position?.sequence ?? 0) < upTo);
    if (!isAhead) this.#ahead = undefined;
    else if (this.#isOfNoHistory()) return this.#openAtPresent({ reason: "unknown-cursor" });
    const isOpen = at.some(({ upTo, position }) => position?.open.some((sequence) => sequence <= upTo));
    if (isOpen) this.#deadlineMs = nowMs() + REPLY_MS; // a celebrity's event may take longer
    if (isAhead || isOpen) return;
    this.#state = "replaying";
    for (const partition of this.#upTo.keys()) {
      if (!this.#hasGap(partition)) continue;
      this.#lanes.set(partition, new Lanes(this.#request.users));
      this.#ask(partition);
    }
  }

  /**
   * Whether the owner itself is behind the cursor. That this edge is behind proves nothing: its owner may be
   * away, or what the reader has received elsewhere may still be on its way here.
   */
  #isOfNoHistory(): boolean {
    const { progress, nowMs, askPositions } = this.#options;
    const counts = this.#upTo.map((_, partition) => progress.acknowledgementsOf(partition));
    if (this.#ahead === undefined) {
      this.#ahead = { sinceMs: nowMs(), counts };
      askPositions();
      return false;
    }
    const { sinceMs, counts: before } = this.#ahead;
    if (nowMs() - sinceMs < AHEAD_MS) return false;
    return this.#upTo.some(
      (upTo, partition) =>
        !progress.hasReached(partition, upTo) &&
        (counts[partition] ?? 0) >= (before[partition] ?? 0) + ACKNOWLEDGEMENTS,
    );
  }

  #hasGap(partition: number): boolean {
    const { sequence, open } = this.#text.reader?.at(partition) ?? { sequence: 0, open: [] };
    return sequence < (this.#upTo[partition] as number) || open.length > 0;
  }

  /** Requests the pages that are needed next. */
  #ask(partition: number): void {
    const lanes = this.#lanes.get(partition);
    const at = this.#text.reader?.at(partition);
    if (lanes === undefined || at === undefined) return;
    for (const { user, reached } of lanes.takeWanting()) {
      const after = {
        epoch: at.epoch,
        sequence: Math.max(at.sequence, reached),
        open: at.open.filter((open) => open > reached),
      };
      this.#options.requests.ask(this, partition, { user, after, upTo: this.#upTo[partition] as number });
    }
  }

  /** Writes what there is, as fast as the reader takes it; continued by `receive` and `checkTime`. */
  #replay(): void {
    const { pool, nowMs } = this.#options;
    const { cork } = this.#request;
    if (!this.#hasBegun && ![...this.#lanes.values()].every(({ isReady }) => isReady)) return;
    for (;;) {
      const waiting = pool.waitingCorked(cork);
      this.#isDraining = waiting > 0;
      if (waiting < 0) return this.#finish();
      if (waiting > 0) {
        this.#deadlineMs = nowMs() + REPLY_MS; // the pool itself cuts a reader that takes nothing
        return;
      }
      let text = "";
      let events = 0;
      let isAll = false;
      while (text.length < SLICE_BYTES) {
        const piece = this.#next();
        isAll = piece === "all";
        if (piece === "wait" || piece === "all") break;
        text += piece.text;
        events += piece.events;
      }
      if (isAll) return this.#goLive(text, events);
      if (text === "") return;
      const cursor = this.#text.cursor();
      this.#deadlineMs = nowMs() + REPLY_MS;
      if (pool.writeCorked(cork, text, cursor, events) < 0) return this.#finish();
    }
  }

  /** Returns what is written next: the opening, then the replay, then what was buffered since the seam. */
  #next(): Piece | "wait" | "all" {
    if (this.#state !== "replaying") return "wait";
    if (!this.#hasBegun) return { text: this.#opening(), events: 0 };
    for (const [partition, lanes] of this.#lanes) {
      const item = lanes.take();
      this.#ask(partition);
      if (item === undefined) continue;
      this.#text.reader?.pass(partition, "hole" in item ? lanes.passed : item.sequence);
      if ("hole" in item) return { text: this.#text.resync(item.hole), events: 0 };
      return { text: this.#text.event(item.id, item.json, partition), events: 1 };
    }
    if (![...this.#lanes.values()].every(({ isDone }) => isDone)) return "wait";
    for (const [partition, upTo] of this.#upTo.entries()) this.#text.reader?.pass(partition, upTo);
    return this.#nextBuffered();
  }

  /** The reader is told of what cannot be replayed before the first event. */
  #opening(): string {
    this.#hasBegun = true;
    const holes = [...this.#lanes.values()].flatMap((lanes) => lanes.takeFirstHoles());
    const hole = holes.reduce<Hole | undefined>(mergeHoles, undefined);
    if (hole === undefined) return this.#text.welcome();
    for (const [partition, lanes] of this.#lanes) this.#text.reader?.pass(partition, lanes.passed);
    return this.#text.welcome() + this.#text.resync(hole);
  }

  #nextBuffered(): Piece | "wait" | "all" {
    const next = this.#buffer.next(this.#upTo);
    if (next === "all") return next;
    if (next === "discarded") {
      this.#beginAgain();
      return "wait";
    }
    const { event, partition, reached, isWanted } = next;
    this.#text.reader = reached;
    return isWanted
      ? { text: this.#text.event(event.id, event.json, partition), events: 1 }
      : { text: "", events: 0 };
  }

  /** What was discarded is replayed as well. */
  #beginAgain(): void {
    this.#lanes.clear();
    this.#options.requests.forget(this);
    if (this.#text.reader !== undefined) this.#begin(this.#text.reader);
    this.#wait();
  }

  /** Opens the stream without a replay, at this edge's position. */
  #openAtPresent(hole: Hole | undefined): void {
    this.#buffer.clear();
    this.#text.reader = this.#options.progress.positions.copy();
    const text = this.#hasBegun ? "" : this.#text.welcome();
    this.#uncork(hole === undefined ? text : text + this.#text.resync(hole), this.#text.cursor());
  }

  /** The reader has everything that has passed this edge, whose position is the stream's from now on. */
  #goLive(text: string, events: number): void {
    const { positions } = this.#options.progress;
    if (positions.isComplete) this.#text.reader = positions.copy();
    this.#uncork(text === "" ? this.#text.refresh() : text, this.#text.cursor(), events);
  }

  #uncork(text: string, cursor: string, events = 0): void {
    const { pool } = this.#options;
    const { cork } = this.#request;
    if (text === "" || pool.writeCorked(cork, text, cursor, events) >= 0) pool.uncork(cork);
    this.#finish();
  }

  #finish(): void {
    this.#state = "live";
    this.#lanes.clear();
    this.#options.requests.forget(this);
  }
}
