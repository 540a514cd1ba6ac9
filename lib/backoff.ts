// How long to wait before trying again: doubling from `firstMs` to `mostMs`, with jitter, so that many who lost
// the same thing do not come back in the same instant.

export class Backoff {
  readonly #firstMs: number;
  readonly #mostMs: number;
  #failures = 0;

  constructor(firstMs: number, mostMs: number) {
    this.#firstMs = firstMs;
    this.#mostMs = mostMs;
  }

  /** The next wait in milliseconds: between half and all of the doubled span. */
  nextMs(): number {
    const span = Math.min(this.#mostMs, this.#firstMs * 2 ** this.#failures);
    this.#failures += 1;
    return span / 2 + (Math.random() * span) / 2;
  }

  /** Call after a success: the next wait is the first again. */
  reset(): void {
    this.#failures = 0;
  }
}
