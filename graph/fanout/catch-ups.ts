// Edges that catch up: an edge that begins a presence epoch names how far it has come, and is sent from the
// history what comes after that for its users, until it has been sent everything that is begun. In the same
// turn it enters step, and receives events as they begin. Work is done in slices, between which messages are
// received; edges at the same row share its lookups. Owned by the graph service; one entry per edge.
//
//   edge a ───▶ next row            the edge that is farthest behind goes first, and
//   edge b ──────────▶ next row     the others join it when it reaches them

import type { GraphStore } from "../graph-store.ts";
import type { History } from "../history/history.ts";
import { isAfter, type Position } from "../history/sequences.ts";
import type { EdgeLink, EdgeRegistry } from "../presence/edge-registry.ts";
import type { Begun } from "./begun.ts";
import type { EdgeMessages } from "./edge-messages.ts";
import type { ResentRows } from "./resent-rows.ts";
import type { StartingPoints } from "./starting-points.ts";

const SLICE_MS = 2;

export interface CatchUpsOptions {
  readonly store: GraphStore;
  readonly history: History;
  readonly begun: Begun;
  readonly registry: EdgeRegistry;
  readonly messages: EdgeMessages;
  readonly starts: StartingPoints;
  readonly rows: ResentRows;
}

/** An edge that catches up, in one presence epoch. */
interface Behind {
  readonly edge: EdgeLink;
  readonly epoch: number;
  /** Ordinals of the events that were open at the edge. They are sent first. */
  readonly open: number[];
  /** The ordinal of the row that is sent next. */
  next: number;
  readonly onInStep: () => void;
}

type Place = Position & { readonly partition: number };

export class CatchUps {
  readonly #options: CatchUpsOptions;
  #behind: Behind[] = [];
  #running: Promise<void> | undefined;
  #isStopped = false;
  /** The number of edges that were sent something from the history. */
  started = 0;

  constructor(options: CatchUpsOptions) {
    this.#options = options;
  }

  /** The number of edges that catch up at present. */
  get size(): number {
    return this.#behind.length;
  }

  /**
   * Sends an edge whose users are complete what it lacks, and calls back when it has entered step: at once if
   * it lacks nothing, or if it catches up by requests of its own because it is in `subject` mode.
   */
  start(edge: EdgeLink, onInStep: () => void): void {
    const { begun, starts } = this.#options;
    const { epoch, mode } = edge.presence;
    const { open, next } = mode === "subject" ? { open: [], next: begun.next } : starts.begin(edge);
    const behind = { edge, epoch, open, next, onInStep };
    if (this.#isDone(behind)) return this.#enterStep(behind);
    this.started += 1;
    this.#behind.push(behind);
    this.#wake();
  }

  /** Ends all work in progress. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  #wake(): void {
    if (this.#isStopped || this.#behind.length === 0) return;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      this.#wake(); // an edge may have begun after the run found none left
    });
  }

  async #run(): Promise<void> {
    let sliceEnd = performance.now() + SLICE_MS;
    while (!this.#isStopped) {
      this.#behind = this.#behind.filter((behind) => this.#isPresent(behind));
      if (this.#behind.length === 0) return;
      await this.#step();
      if (performance.now() < sliceEnd) continue;
      await new Promise(setImmediate);
      sliceEnd = performance.now() + SLICE_MS;
    }
  }

  /** Sends one row to the edges that are farthest behind. */
  async #step(): Promise<void> {
    const { store, history, begun, starts } = this.#options;
    if (history.readable !== undefined) await history.readable;
    if (store.readable !== undefined) await store.readable;
    const reopening = this.#behind.find(({ open }) => open.length > 0);
    if (reopening !== undefined) return this.#sendOpen(reopening);
    for (const behind of this.#behind)
      if (behind.next < history.first) behind.next = starts.again(behind.edge); // its rows were deleted
    const at = Math.min(...this.#behind.map(({ next }) => next));
    const group = this.#behind.filter(({ next }) => next === at);
    if (at < begun.next) await this.#sendRow(at, group);
    // without a pause after the row: what begins from now on is sent to these edges as it begins
    for (const behind of group) if (this.#isPresent(behind) && this.#isDone(behind)) this.#enterStep(behind);
  }

  async #sendRow(ordinal: number, group: readonly Behind[]): Promise<void> {
    const { history, rows, messages } = this.#options;
    const place = history.placeOf(ordinal);
    const lacking = group.filter(({ edge }) => this.#lacks(edge, place));
    if (lacking.length > 0)
      await rows.send(
        ordinal,
        lacking.map(({ edge }) => edge),
      );
    for (const behind of group) {
      behind.next = ordinal + 1;
      if (lacking.includes(behind) && this.#isPresent(behind))
        messages.advance(behind.edge, place.partition, place);
    }
  }

  /** Sends an event that was open at an edge again, with all its recipients. */
  async #sendOpen(behind: Behind): Promise<void> {
    const ordinal = behind.open.shift() as number;
    await this.#options.rows.sendOpen(ordinal, behind.edge);
    if (this.#isPresent(behind) && this.#isDone(behind)) this.#enterStep(behind);
  }

  /** An edge that named no position in a partition starts there at what is begun when it enters step. */
  #lacks(edge: EdgeLink, place: Place): boolean {
    const { partition } = place;
    if (edge.presence.positionIn(partition) === undefined) return false;
    return isAfter(place, this.#options.messages.reached(edge, partition));
  }

  #isDone({ open, next }: Behind): boolean {
    return open.length === 0 && next >= this.#options.begun.next;
  }

  /** Whether the edge is alive and in the epoch in which it began to catch up. */
  #isPresent({ edge, epoch }: Behind): boolean {
    const { registry } = this.#options;
    return registry.get(edge.id) === edge && edge.presence.hasBegun && edge.presence.epoch === epoch;
  }

  #enterStep(behind: Behind): void {
    this.#behind = this.#behind.filter((other) => other !== behind);
    behind.edge.presence.enterStep();
    behind.onInStep();
  }
}
