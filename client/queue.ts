// Events between a stream and one iteration over it. The stream stops reading its connection while a queue is
// full, so the queue is bounded by what one read of the socket brings.

import type { StreamEvent } from "./messages.ts";

/** Events that may wait: a stream then reads no further. */
const MAX_WAITING = 1_000;

export class Queue {
  readonly #events: StreamEvent[] = [];
  #isEnded = false;
  /** At most one side waits: a queue is not empty and full. */
  #wake: () => void = () => {};

  push(event: StreamEvent): void {
    this.#events.push(event);
    this.#wake();
  }

  /** What is in the queue is still taken. */
  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  /** Resolves with the next event, or with undefined once the queue has ended and is empty. */
  async take(): Promise<StreamEvent | undefined> {
    await this.#until(() => this.#events.length > 0);
    const event = this.#events.shift();
    this.#wake();
    return event;
  }

  /** Resolves once there is room, or the queue has ended. */
  room(): Promise<void> {
    return this.#until(() => this.#events.length < MAX_WAITING);
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo() && !this.#isEnded)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
  }
}
