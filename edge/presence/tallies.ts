// The users who received a counted event, kept until the graph requests them, which it does right after the
// last copy. Bounded: the oldest tallies are dropped if they are not requested.

import type { UserId } from "../../broker/contract.ts";
import { countFitting } from "../../broker/contract.ts";
import type { TallyPart } from "../../broker/index.ts";

const KEPT_EVENTS = 1_024;
/** Users per part of a reply; a part is serialized at once. */
const PART_USERS = 8_000;
/** Maximum size of a part without its users. */
const PART_HEAD_BYTES = 100;
/** Quotes and a comma around a user in JSON. */
const AROUND_BYTES = 3;

interface Tally {
  readonly online: UserId[];
  delivered: number;
}

export class EventTallies {
  readonly #tallies = new Map<string, Tally>();

  /** Notes that a copy for `user`, who is connected here, was written to `delivered` streams. */
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

  /** Returns the tally of an event and forgets it, split into parts of at most `maxBytes`. */
  take(event: string, maxBytes: number = Number.POSITIVE_INFINITY): TallyPart[] {
    const { online, delivered } = this.#tallies.get(event) ?? { online: [], delivered: 0 };
    this.#tallies.delete(event);
    const parts: TallyPart[] = [];
    const room = { bytes: maxBytes - PART_HEAD_BYTES, items: PART_USERS };
    let from = 0;
    do {
      const to = from + countFitting(online, bytesOf, room, from);
      const last = to >= online.length;
      parts.push({ online: online.slice(from, to), delivered: last ? delivered : 0, last });
      from = to;
    } while (from < online.length);
    return parts;
  }
}

function bytesOf(user: UserId): number {
  return user.length + AROUND_BYTES;
}
