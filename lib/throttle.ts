// Something that is said at once, and then at most once in a while: what comes in between is said together at its end.
// The last word is never lost, so each telling covers everything before it. One timer.

export class Throttle<T> {
  readonly #everyMs: number;
  readonly #say: (what: T) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #saidAtMs = Number.NEGATIVE_INFINITY;

  /** @param say must not throw */
  constructor(everyMs: number, say: (what: T) => void) {
    this.#everyMs = everyMs;
    this.#say = say;
  }

  /** Says it now, or what was first wanted to be said as soon as it may be. */
  call(what: T): void {
    if (this.#timer !== undefined) return;
    const waitMs = this.#saidAtMs + this.#everyMs - performance.now();
    if (waitMs <= 0) {
      this.#saidAtMs = performance.now();
      return this.#say(what);
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.call(what); // a timer may run a little early: then it waits for the rest
    }, waitMs);
  }

  /** Says nothing more. */
  stop(): void {
    clearTimeout(this.#timer);
  }
}
