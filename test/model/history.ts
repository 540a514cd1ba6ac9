// One partition's events as the history stores them: numbered from 1 without gaps; the oldest may be deleted
// at any time.

export type Entry =
  | { readonly kind: "topic"; readonly topic: number; readonly long: boolean }
  | { readonly kind: "direct"; readonly user: number }
  /** An earlier event may be missing: every reader is told once. */
  | { readonly kind: "restart" };

export class History {
  readonly #entries: Entry[] = [];
  /** The oldest event that is still stored. */
  base = 1;

  get last(): number {
    return this.#entries.length;
  }

  append(entry: Entry): number {
    this.#entries.push(entry);
    return this.last;
  }

  /**
   * Returns any entry, even a deleted one: the check needs those, while the protocol must not request them.
   */
  at(seq: number): Entry {
    return this.#entries[seq - 1] as Entry;
  }

  trim(base: number): void {
    this.base = Math.max(this.base, base);
  }
}

/** Returns the sender of an event. Events of one sender are delivered in the order of their numbers. */
export function laneOf(entry: Entry): string {
  if (entry.kind === "topic") return `topic ${entry.topic}`;
  return entry.kind === "direct" ? `to ${entry.user}` : "restarts";
}
