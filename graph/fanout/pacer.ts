// When frames leave for the edges. While there is little to do they leave at the end of the turn that filled them, so
// nothing waits in an idle system. Every frame wakes an edge up, though: when more than a budget would leave in a
// second, frames wait for a tick, and the tick widens until the budget holds. One timer, whatever the number of edges.

/** Frames a millisecond beyond which they begin to wait: each costs some 20 µs in all processes that it touches. */
const BUDGET = 8;
/** Ticks are at least this, or nothing; and at most that. */
const MIN_TICK_MS = 5;
const MAX_TICK_MS = 50;
/** How often the tick is thought over. */
const WINDOW_MS = 100;

/** Something that waits for a tick. */
export interface Paced {
  /** It stands in the pacer's list. Written by the pacer alone. */
  isWaiting: boolean;
}

export class Pacer<T extends Paced> {
  readonly #send: (paced: T) => void;
  #waiting: T[] = [];
  #immediate: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;
  #flushedAtMs = 0;
  #windowFromMs = 0;
  #windowFrames = 0;
  #windowFlushes = 0;
  /** What frames wait for at present; 0 where they do not. */
  tickMs = 0;

  /** @param send sends what waits */
  constructor(send: (paced: T) => void) {
    this.#send = send;
  }

  /** Something waits here. */
  note(paced: T): void {
    if (paced.isWaiting) return;
    paced.isWaiting = true;
    this.#waiting.push(paced);
    if (this.#immediate !== undefined || this.#timer !== undefined) return;
    const waitMs = this.#flushedAtMs + this.tickMs - performance.now();
    if (this.tickMs === 0 || waitMs <= 0) this.#immediate = setImmediate(() => this.flush());
    else this.#timer = setTimeout(() => this.flush(), waitMs);
  }

  /** Sends everything that waits. */
  flush(): void {
    clearImmediate(this.#immediate);
    clearTimeout(this.#timer);
    this.#immediate = undefined;
    this.#timer = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const paced of waiting) {
      paced.isWaiting = false;
      this.#send(paced);
    }
    this.#flushedAtMs = performance.now();
    this.#windowFrames += waiting.length;
    this.#windowFlushes += 1;
    if (this.#flushedAtMs - this.#windowFromMs >= WINDOW_MS) this.#think();
  }

  #think(): void {
    const rate = this.#windowFrames / (this.#flushedAtMs - this.#windowFromMs);
    if (rate > BUDGET) {
      const holdsBudget = this.#windowFrames / this.#windowFlushes / BUDGET;
      this.tickMs = Math.min(MAX_TICK_MS, Math.max(MIN_TICK_MS, this.tickMs * 1.5, holdsBudget));
    } else if (rate < BUDGET / 2) this.tickMs = this.tickMs > MIN_TICK_MS ? this.tickMs / 1.5 : 0;
    this.#windowFromMs = this.#flushedAtMs;
    this.#windowFrames = 0;
    this.#windowFlushes = 0;
  }
}
