// One partition's events as the history keeps them: numbered from 1 without a gap, the oldest deleted at will. It also
// keeps, for the check at the end, who was owed each event when it was published.

export type Entry =
  | { readonly kind: "topic"; readonly topic: number; readonly long: boolean }
  | { readonly kind: "direct"; readonly user: number }
  /** Something before it may be missing: every reader is told, once. */
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

  /** Deleted entries too: the check needs them, the protocol may not ask for them. */
  at(seq: number): Entry {
    return this.#entries[seq - 1] as Entry;
  }

  trim(base: number): void {
    this.base = Math.max(this.base, base);
  }
}

/** Events of one sender go out in the order of their numbers: this names the sender. */
export function laneOf(entry: Entry): string {
  if (entry.kind === "topic") return `topic ${entry.topic}`;
  return entry.kind === "direct" ? `to ${entry.user}` : "restarts";
}
