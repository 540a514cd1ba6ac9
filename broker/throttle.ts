// Throttles a callback: the first call runs at once, later calls run at most once per interval, and the last
// call is never lost. Calls within an interval are merged into one at its end. Uses one timer.

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

  /**
   * Calls back now, or once the interval since the last call has passed. Until then, further calls are
   * dropped.
   */
  call(what: T): void {
    if (this.#timer !== undefined) return;
    const waitMs = this.#saidAtMs + this.#everyMs - performance.now();
    if (waitMs <= 0) {
      this.#saidAtMs = performance.now();
      return this.#say(what);
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.call(what); // a timer may fire slightly early, and then waits for the rest
    }, waitMs);
  }

  /** Cancels the pending call. */
  stop(): void {
    clearTimeout(this.#timer);
  }
}
