// Maintains the history once per second: records that the service is listening, and deletes rows that exceed
// the bounds. Owned by the graph service.

import type { Logger } from "../../lib/log.ts";
import type { History } from "./history.ts";

const INTERVAL_MS = 1_000;

export interface UpkeepOptions {
  readonly history: History;
  /** Returns the ordinal of the oldest row that fan-out still needs. */
  readonly oldestNeeded: () => number;
  /** Reports whether messages of producers can arrive at this moment. */
  readonly isListening: () => boolean;
  readonly log: Logger;
}

export class Upkeep {
  readonly #options: UpkeepOptions;
  #timer: NodeJS.Timeout | undefined;
  #trimming: Promise<void> | undefined;

  constructor(options: UpkeepOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => this.#run(), INTERVAL_MS);
  }

  /** Stops the timer. Resolves when no deletion is in progress. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#trimming;
  }

  #run(): void {
    const { history, oldestNeeded, isListening, log } = this.#options;
    if (isListening()) history.noteListening(Date.now());
    this.#trimming ??= history
      .trim(Date.now(), oldestNeeded())
      .catch((error: unknown) => log.error({ err: error }, "cannot delete the oldest events"))
      .finally(() => {
        this.#trimming = undefined;
      });
  }
}
