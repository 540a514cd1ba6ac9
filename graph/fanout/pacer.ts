// Decides when frames are sent to the edges. Under low load they are sent at the end of the turn that filled
// them, so nothing is delayed in an idle system. But every frame wakes an edge up: if more frames per second
// would be sent than a budget allows, frames are delayed by a tick, and the tick grows until the budget
// holds. Uses a single timer, however many edges there are.

/**
 * Frames per millisecond above which frames are delayed. Each costs some 20 µs in all the processes that it
 * touches.
 */
const BUDGET = 8;
/** Bounds of the tick, unless it is zero. */
const MIN_TICK_MS = 5;
const MAX_TICK_MS = 50;
/** How often the tick is adjusted. */
const WINDOW_MS = 100;

/** Something that can wait for a tick. */
export interface Paced {
  /** Whether it is in the pacer's list. Written by the pacer alone. */
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
  /** The present delay in milliseconds; 0 if frames are not delayed. */
  tickMs = 0;

  /** @param send sends what has waited */
  constructor(send: (paced: T) => void) {
    this.#send = send;
  }

  /** Schedules `paced` to be sent. Does nothing if it waits already. */
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
