// Which edges are alive, by their own beats. In memory only: whoever starts anew asks everybody to announce
// themselves. Bounded by the number of edges, and each leaves after EXPIRY_MS of silence.

import type { FanoutMode } from "../broker/index.ts";

/** More worker processes than any fleet has; beyond it somebody is inventing edges. */
const MAX_EDGES = 10_000;

interface EdgeState {
  mode: FanoutMode;
  heardAtMs: number;
}

export class Edges {
  readonly #edges = new Map<string, EdgeState>();
  readonly #expiryMs: number;
  expired = 0;

  constructor(expiryMs: number) {
    this.#expiryMs = expiryMs;
  }

  get size(): number {
    return this.#edges.size;
  }

  /** False where there are too many already. */
  heard(edge: string, mode: FanoutMode, nowMs: number): boolean {
    if (!this.#edges.has(edge) && this.#edges.size >= MAX_EDGES) return false;
    this.#edges.set(edge, { mode, heardAtMs: nowMs });
    return true;
  }

  /** It said goodbye, or nobody listens on its subject any more. */
  left(edge: string): void {
    this.#edges.delete(edge);
  }

  /** The edges alive at `nowMs`; the silent ones are forgotten on the way. */
  alive(nowMs: number): string[] {
    for (const [edge, { heardAtMs }] of this.#edges) {
      if (nowMs - heardAtMs <= this.#expiryMs) continue;
      this.#edges.delete(edge);
      this.expired += 1;
    }
    return [...this.#edges.keys()];
  }
}
