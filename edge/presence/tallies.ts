// Who saw a counted event, kept until the graph asks, which it does right after the last copy. Bounded: what nobody
// asks for falls out, the oldest first.

import type { UserId } from "../../broker/contract.ts";
import type { TallyPart } from "../../broker/index.ts";

const KEPT_EVENTS = 1_024;
/** Users in one part of an answer: at most 65 bytes each, far under NATS' 1 MB. */
const PART_USERS = 8_000;

interface Tally {
  readonly online: UserId[];
  delivered: number;
}

export class EventTallies {
  readonly #tallies = new Map<string, Tally>();

  /** A copy for `user` was handed to `delivered` connections; the user has connections here. */
  note(event: string, user: UserId, delivered: number): void {
    let tally = this.#tallies.get(event);
    if (tally === undefined) {
      tally = { online: [], delivered: 0 };
      this.#tallies.set(event, tally);
      const [oldest] = this.#tallies.keys();
      if (this.#tallies.size > KEPT_EVENTS && oldest !== undefined) this.#tallies.delete(oldest);
    }
    tally.online.push(user);
    tally.delivered += delivered;
  }

  /** The answer for an event, in parts; it is forgotten with it. */
  take(event: string): TallyPart[] {
    const { online, delivered } = this.#tallies.get(event) ?? { online: [], delivered: 0 };
    this.#tallies.delete(event);
    const parts: TallyPart[] = [];
    for (let from = 0; from < online.length || parts.length === 0; from += PART_USERS) {
      const last = from + PART_USERS >= online.length;
      parts.push({ online: online.slice(from, from + PART_USERS), delivered: last ? delivered : 0, last });
    }
    return parts;
  }
}
