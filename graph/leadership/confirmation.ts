// Decides whether the leader of one partition may still act as such: while the change log has acknowledged a
// write of its term that was sent within the last two seconds. Every write is a sign of the leader to every
// standby, and a standby tries only after three seconds without one, right after the last record. So a
// deposed leader has stopped before its successor begins, however long it was stopped or cut off. The
// exception is a machine that is paused and whose clock stands still meanwhile: edges refuse its frames by
// their term, but replies to lookups may be out of date for as long as the confirmation lasts.
//
// A read of the log would prove nothing: NATS serves it from whichever node believes that it leads the
// stream, and a node that was cut off believes so for 10 to 20 seconds.

/**
 * How long after an acknowledged write was sent the leader may act. It must end before a standby's count of
 * silence; the difference is for clocks that run at different speeds.
 */
export const CONFIRMED_FOR_MS = 2_000;
/** When the leader writes a check record, unless a change was written since. */
const CHECK_AFTER_MS = 750;

export class Confirmation {
  readonly #forMs: number;
  #sentMs = Number.NEGATIVE_INFINITY;

  constructor(forMs: number = CONFIRMED_FOR_MS) {
    this.#forMs = forMs;
  }

  /** Notes that the log acknowledged a write of this term, by the time when the write was sent. */
  confirm(sentMs: number): void {
    this.#sentMs = Math.max(this.#sentMs, sentMs);
  }

  /** Ends the confirmation: after a reconnect, and when leadership is handed over. */
  forget(): void {
    this.#sentMs = Number.NEGATIVE_INFINITY;
  }

  holds(nowMs: number): boolean {
    return nowMs - this.#sentMs < this.#forMs;
  }

  /** Returns whether a check record should be written. */
  isDue(nowMs: number): boolean {
    return nowMs - this.#sentMs >= CHECK_AFTER_MS;
  }
}
