// The longest time that an event took from its publication to a reader, by the kind of fault that was there
// meanwhile. It contains the time that readers stay away on purpose. Owned by the test; holds one number per
// kind.

import type { Block } from "../resume/blocks.ts";
import type { Ledger } from "../resume/checker.ts";
import { inboxOf, nowMs } from "../resume/received.ts";
import type { InjectedFault } from "./faults.ts";

/** Shorter times are not looked at. */
const MIN_STALL_MS = 200;
/** Only so many of the last faults can be the reason. */
const RECENT = 12;

export class Stalls {
  readonly #ledger: Ledger;
  readonly #faults: readonly InjectedFault[];
  readonly longestMs: Map<string, number> = new Map();

  constructor(ledger: Ledger, faults: readonly InjectedFault[]) {
    this.#ledger = ledger;
    this.#faults = faults;
  }

  note(user: string, { event }: Block): void {
    if (event === undefined) return;
    const { n } = event.data as { n: number };
    const published = this.#ledger.find(event.topic ?? inboxOf(user), n);
    const atMs = nowMs();
    if (published === undefined || atMs - published.publishedMs < MIN_STALL_MS) return;
    const meanwhile = this.#faults
      .slice(-RECENT)
      .filter(({ fromMs, recoveredMs }) => fromMs <= atMs && recoveredMs >= published.publishedMs);
    const [only, ...others] = meanwhile;
    const name = only === undefined ? "none" : others.length > 0 ? "several" : `${only.of} ${only.kind}`;
    this.longestMs.set(
      name,
      Math.max(this.longestMs.get(name) ?? 0, Math.round(atMs - published.publishedMs)),
    );
  }
}
