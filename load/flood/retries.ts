// Schedules when lost streams are opened again: with jitter, delays that double from a quarter of a second to
// half a minute, and never before the server permits. It uses one byte per stream, one timer for all, and at
// most one entry per stream.

const FIRST_MS = 250;
const MAX_MS = 30_000;
/** Streams due within this span are opened together, so that one timer serves any number. */
const TICK_MS = 20;

export class Retries {
  readonly #retry: (stream: number) => void;
  readonly #failures: Uint8Array;
  readonly #due = new Map<number, number[]>();
  #timer: NodeJS.Timeout | undefined;
  /** Returns the number of waiting streams. */
  waiting = 0;

  constructor(streams: number, retry: (stream: number) => void) {
    this.#failures = new Uint8Array(streams);
    this.#retry = retry;
  }

  /**
   * Schedules a stream, no earlier than the server requested. `failed` means that it had not opened at all.
   */
  add(stream: number, failed: boolean, afterMs: number): void {
    const failures = failed ? Math.min(255, (this.#failures[stream] ?? 0) + 1) : 0;
    this.#failures[stream] = failures;
    const span = Math.min(MAX_MS, FIRST_MS * 2 ** failures);
    const waitMs = afterMs + (Math.random() * span) / 2 + (afterMs > 0 ? 0 : span / 2);
    const tick = Math.ceil((performance.now() + waitMs) / TICK_MS);
    const others = this.#due.get(tick);
    if (others === undefined) this.#due.set(tick, [stream]);
    else others.push(stream);
    this.waiting += 1;
    this.#timer ??= setInterval(() => this.#look(), TICK_MS);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#due.clear();
    this.waiting = 0;
  }

  #look(): void {
    const now = performance.now() / TICK_MS;
    for (const [tick, streams] of this.#due) {
      if (tick > now) continue;
      this.#due.delete(tick);
      this.waiting -= streams.length;
      for (const stream of streams) this.#retry(stream);
    }
    if (this.#due.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
