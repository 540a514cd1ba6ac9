// The edges that are alive, as they report it. Kept in memory only: a service that starts asks every edge to
// announce itself. Bounded by the number of edges, and an edge that sends nothing for some seconds is
// removed. All other state of an edge has an owner of its own: its presence (edge-presence.ts), its users
// (online-table.ts), and the frames that wait for it (fanout/outbox.ts).

import type { FanoutMode } from "../../broker/index.ts";
import { EdgePresence } from "./edge-presence.ts";

/** More worker processes than any fleet has. More ids than this are forged. */
const MAX_EDGES = 10_000;

/** One edge. */
export class EdgeLink {
  readonly id: string;
  /** A small unique number, reused for another edge after this one is gone. */
  readonly slot: number;
  readonly presence: EdgePresence;

  constructor(id: string, slot: number, mode: FanoutMode) {
    this.id = id;
    this.slot = slot;
    this.presence = new EdgePresence(mode);
  }
}

/** The edges by how copies are sent to them. */
export interface Survey {
  /** Edges in `subject` mode, which subscribe to their users. */
  readonly subject: EdgeLink[];
  /** The number of edges in `frames` mode. */
  framed: number;
}

export class EdgeRegistry {
  readonly #expiryMs: number;
  readonly #onGone: ((edge: EdgeLink) => void)[] = [];
  readonly #byId = new Map<string, EdgeLink>();
  readonly #bySlot: (EdgeLink | undefined)[] = [];
  /** When each edge was last active, by slot. */
  readonly #lastActiveAtMs: number[] = [];
  expired = 0;

  /** @param expiryMs an edge that sends nothing for longer is removed */
  constructor(expiryMs: number) {
    this.#expiryMs = expiryMs;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** Registers a listener that is called for every edge that left or expired, before its slot is reused. */
  onGone(listener: (edge: EdgeLink) => void): void {
    this.#onGone.push(listener);
  }

  /** Returns the edges by how copies are sent to them. Linear in the number of edges. */
  survey(): Survey {
    const survey: Survey = { subject: [], framed: 0 };
    for (const edge of this.#byId.values()) {
      if (edge.presence.mode === "subject") survey.subject.push(edge);
      else survey.framed += 1;
    }
    return survey;
  }

  /** Returns the edges that receive events as they begin. Linear in the number of edges. */
  inStep(): EdgeLink[] {
    return [...this.#byId.values()].filter(({ presence }) => presence.isInStep);
  }

  /** Returns all edges. */
  all(): Iterable<EdgeLink> {
    return this.#byId.values();
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

  /** Adds an edge. Returns undefined if there are too many already. */
  add(id: string, mode: FanoutMode, nowMs: number): EdgeLink | undefined {
    if (this.#byId.size >= MAX_EDGES) return undefined;
    const free = this.#bySlot.indexOf(undefined);
    const edge = new EdgeLink(id, free === -1 ? this.#bySlot.length : free, mode);
    this.#byId.set(id, edge);
    this.#bySlot[edge.slot] = edge;
    this.recordActivity(edge, nowMs);
    return edge;
  }

  /** Records that an edge is alive. */
  recordActivity(edge: EdgeLink, nowMs: number): void {
    this.#lastActiveAtMs[edge.slot] = nowMs;
  }

  /** Removes an edge that announced its end, or to whose subject no process is subscribed. */
  remove(id: string): void {
    const edge = this.#byId.get(id);
    if (edge === undefined) return;
    this.#byId.delete(id);
    for (const listener of this.#onGone) listener(edge);
    this.#bySlot[edge.slot] = undefined;
  }

  /** Removes the edges that have been silent for too long. */
  expire(nowMs: number): void {
    for (const { id, slot } of [...this.#byId.values()]) {
      if (nowMs - (this.#lastActiveAtMs[slot] ?? nowMs) <= this.#expiryMs) continue;
      this.remove(id);
      this.expired += 1;
    }
  }

  /** Returns the ids of the edges that are alive at `nowMs`. */
  alive(nowMs: number): string[] {
    this.expire(nowMs);
    return [...this.#byId.keys()];
  }
}
