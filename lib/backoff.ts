// Delays between retries. They double from `firstMs` to `maxMs`, with jitter, so that many clients which
// lost the same server do not return at the same moment.

export class Backoff {
  readonly #firstMs: number;
  readonly #maxMs: number;
  #failures = 0;

  constructor(firstMs: number, maxMs: number) {
    this.#firstMs = firstMs;
    this.#maxMs = maxMs;
  }

  /** Returns the next delay in milliseconds: between half of the doubled delay and all of it. */
  nextMs(): number {
    const span = Math.min(this.#maxMs, this.#firstMs * 2 ** this.#failures);
    this.#failures += 1;
    return span / 2 + (Math.random() * span) / 2;
  }

  /** Call this after a success: the next delay is the first one again. */
  reset(): void {
    this.#failures = 0;
  }
}
