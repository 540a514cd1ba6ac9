// Which edges are alive, by their own word, and how far the graph is in step with each. In memory only: whoever starts
// anew asks everybody to announce themselves. Bounded by the number of edges, and each leaves after EXPIRY_MS of
// silence.

import { FrameWriter } from "../../broker/contract.ts";
import type { FanoutMode } from "../../broker/index.ts";

/** More worker processes than any fleet has; beyond it somebody is inventing edges. */
const MAX_EDGES = 10_000;

/** One edge. */
export class EdgeLink {
  readonly id: string;
  /** A small number of its own, another edge's after it is gone. */
  readonly slot: number;
  mode: FanoutMode;
  /** Its presence epoch, and the last delta of it that was heard; -1 after a gap. */
  epoch = 0;
  sequence = -1;
  /** Everybody on it is known: its copies may go by handle. */
  inStep = false;
  heardAtMs: number;
  /** What waits to be sent to it, by partition: a frame moves its readers' position in one. */
  readonly frames: Map<number, FrameWriter> = new Map();
  /** It stands in the pacer's list. */
  waiting = false;

  constructor(id: string, slot: number, mode: FanoutMode, nowMs: number) {
    this.id = id;
    this.slot = slot;
    this.mode = mode;
    this.heardAtMs = nowMs;
  }

  /** A new epoch, of which nothing is known yet. Handles of the one before are void. */
  begin(mode: FanoutMode, epoch: number): void {
    this.mode = mode;
    this.epoch = epoch;
    this.sequence = 0;
    this.inStep = false;
    this.frames.clear();
  }

  /** What waits to be sent to it of one partition. */
  frame(partition: number): FrameWriter {
    const known = this.frames.get(partition);
    if (known !== undefined) return known;
    const made = new FrameWriter(this.epoch);
    this.frames.set(partition, made);
    return made;
  }

  /** Something of this epoch was missed. */
  lose(epoch: number): void {
    this.begin(this.mode, epoch);
    this.sequence = -1;
  }
}

/** Edges by how their copies travel. */
export interface Survey {
  /** Subscribed to their users by themselves. */
  readonly subject: EdgeLink[];
  /** In `frames` mode, and not in step. */
  readonly late: EdgeLink[];
  /** In `frames` mode, all. */
  framed: number;
}

export interface EdgeRegistryOptions {
  readonly expiryMs: number;
  /** Called for every edge that left or fell silent. */
  readonly onGone: (edge: EdgeLink) => void;
}

export class EdgeRegistry {
  readonly #options: EdgeRegistryOptions;
  readonly #byId = new Map<string, EdgeLink>();
  readonly #bySlot: (EdgeLink | undefined)[] = [];
  expired = 0;

  constructor(options: EdgeRegistryOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** The edges by how their copies travel. O(edges). */
  survey(): Survey {
    const survey: Survey = { subject: [], late: [], framed: 0 };
    for (const edge of this.#byId.values()) {
      if (edge.mode === "subject") survey.subject.push(edge);
      else if (!edge.inStep) survey.late.push(edge);
      if (edge.mode === "frames") survey.framed += 1;
    }
    return survey;
  }

  get(id: string): EdgeLink | undefined {
    return this.#byId.get(id);
  }

  at(slot: number): EdgeLink | undefined {
    return this.#bySlot[slot];
  }

  /** Takes an edge in; undefined where there are too many already. */
  add(id: string, mode: FanoutMode, nowMs: number): EdgeLink | undefined {
    if (this.#byId.size >= MAX_EDGES) return undefined;
    const free = this.#bySlot.indexOf(undefined);
    const edge = new EdgeLink(id, free === -1 ? this.#bySlot.length : free, mode, nowMs);
    this.#byId.set(id, edge);
    this.#bySlot[edge.slot] = edge;
    return edge;
  }

  /** It said goodbye, or nobody listens on its subject any more. */
  left(id: string): void {
    const edge = this.#byId.get(id);
    if (edge === undefined) return;
    this.#byId.delete(id);
    this.#bySlot[edge.slot] = undefined;
    this.#options.onGone(edge);
  }

  /** Forgets the edges that have been silent for too long. */
  expire(nowMs: number): void {
    for (const { id, heardAtMs } of [...this.#byId.values()]) {
      if (nowMs - heardAtMs <= this.#options.expiryMs) continue;
      this.left(id);
      this.expired += 1;
    }
  }

  /** Ids of the edges alive at `nowMs`. */
  alive(nowMs: number): string[] {
    this.expire(nowMs);
    return [...this.#byId.keys()];
  }
}
