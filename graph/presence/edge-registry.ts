// Which edges are alive, by their own word. In memory only: a service that starts asks every edge to announce itself.
// Bounded by the number of edges, and each leaves after some seconds of silence. What else is kept of an edge is written
// by its owner alone: the state of its presence (edge-presence.ts), who is on it (online-table.ts), what waits to be sent
// to it (fanout/outbox.ts).

import type { FanoutMode } from "../../broker/index.ts";
import { EdgePresence } from "./edge-presence.ts";

/** More worker processes than any fleet has; beyond it somebody is inventing edges. */
const MAX_EDGES = 10_000;

/** One edge. */
export class EdgeLink {
  readonly id: string;
  /** A small number of its own, another edge's after it is gone. */
  readonly slot: number;
  readonly presence: EdgePresence;

  constructor(id: string, slot: number, mode: FanoutMode) {
    this.id = id;
    this.slot = slot;
    this.presence = new EdgePresence(mode);
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

export class EdgeRegistry {
  readonly #expiryMs: number;
  readonly #onGone: ((edge: EdgeLink) => void)[] = [];
  readonly #byId = new Map<string, EdgeLink>();
  readonly #bySlot: (EdgeLink | undefined)[] = [];
  /** When each edge was heard last, by slot. */
  readonly #heardAtMs: number[] = [];
  expired = 0;

  /** @param expiryMs an edge that is silent for longer is forgotten */
  constructor(expiryMs: number) {
    this.#expiryMs = expiryMs;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** Calls `listener` for every edge that left or fell silent, before another one gets its slot. */
  onGone(listener: (edge: EdgeLink) => void): void {
    this.#onGone.push(listener);
  }

  /** The edges by how their copies travel. O(edges). */
  survey(): Survey {
    const survey: Survey = { subject: [], late: [], framed: 0 };
    for (const edge of this.#byId.values()) {
      if (edge.presence.mode === "subject") {
        survey.subject.push(edge);
        continue;
      }
      survey.framed += 1;
      if (!edge.presence.isInStep) survey.late.push(edge);
    }
    return survey;
  }

  /** Whether any edge is in `frames` mode. */
  get hasFramed(): boolean {
    for (const { presence } of this.#byId.values()) if (presence.mode === "frames") return true;
    return false;
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
    const edge = new EdgeLink(id, free === -1 ? this.#bySlot.length : free, mode);
    this.#byId.set(id, edge);
    this.#bySlot[edge.slot] = edge;
    this.heard(edge, nowMs);
    return edge;
  }

  /** The edge lives. */
  heard(edge: EdgeLink, nowMs: number): void {
    this.#heardAtMs[edge.slot] = nowMs;
  }

  /** It said goodbye, or nobody listens on its subject any more. */
  left(id: string): void {
    const edge = this.#byId.get(id);
    if (edge === undefined) return;
    this.#byId.delete(id);
    for (const listener of this.#onGone) listener(edge);
    this.#bySlot[edge.slot] = undefined;
  }

  /** Forgets the edges that have been silent for too long. */
  expire(nowMs: number): void {
    for (const { id, slot } of [...this.#byId.values()]) {
      if (nowMs - (this.#heardAtMs[slot] ?? nowMs) <= this.#expiryMs) continue;
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
