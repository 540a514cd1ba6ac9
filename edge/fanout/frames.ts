// The `frames` fan-out: the graph tracks which users are connected here and sends this edge frames, which
// contain each event once with the handles of its recipients, so no subscription per user is needed.

import type { UserId } from "../../broker/contract.ts";
import type { Presence } from "../presence/presence.ts";
import { type Fanout, type Floor, NO_FLOOR } from "./fanout.ts";
import type { Readers } from "./readers.ts";

export class FramesFanout implements Fanout {
  readonly #readers: Readers;
  readonly #presence: Pick<Presence, "join" | "leave">;

  /** @param readers counts the streams of each user */
  constructor(readers: Readers, presence: Pick<Presence, "join" | "leave">) {
    this.#readers = readers;
    this.#presence = presence;
  }

  join(users: readonly UserId[]): Promise<Floor | undefined> {
    return this.#presence
      .join(this.#readers.join(users))
      .then((isCertain) => (isCertain ? NO_FLOOR : undefined));
  }

  leave(users: readonly UserId[]): void {
    this.#presence.leave(this.#readers.leave(users));
  }
}
