// Maintains the history once per second: records that the service is listening, and deletes rows that exceed
// the bounds. Owned by the graph service.
//
// The service provably listened until a moment if it has received everything that was published before. So
// the moment is taken first, then a round trip to NATS is awaited, then the moment is recorded. The record
// follows the rows that arrived before it into the same log, so it never survives a crash without them.

import type { BrokerClient } from "../../broker/index.ts";
import type { Logger } from "../../lib/log.ts";
import type { History } from "./history.ts";

const INTERVAL_MS = 1_000;

interface Moment {
  /** In milliseconds since 1970. */
  readonly wallMs: number;
  readonly monotonicMs: number;
}

export interface UpkeepOptions {
  readonly history: History;
  /** Returns the ordinal of the oldest row that fan-out still needs. */
  readonly oldestNeeded: () => number;
  /** The connection on which events arrive. */
  readonly client: Pick<BrokerClient, "connected" | "refused" | "flush">;
  readonly log: Logger;
}

export class Upkeep {
  readonly #options: UpkeepOptions;
  #timer: NodeJS.Timeout | undefined;
  #trimming: Promise<void> | undefined;
  #noting: Promise<void> | undefined;
  /** The last moment at which the service provably listened, by the wall clock and by the monotonic clock. */
  #listened: Moment = momentNow();

  constructor(options: UpkeepOptions) {
    this.#options = options;
  }

  /**
   * The last time at which the service provably listened, in milliseconds since 1970. If the wall clock was
   * set since then, the earlier of what it showed then and what it would have shown as it is now: a time that
   * is too early only makes pages load more.
   */
  get listenedMs(): number {
    const { wallMs, monotonicMs } = this.#listened;
    return Math.min(wallMs, Math.floor(Date.now() - (performance.now() - monotonicMs)));
  }

  /** For how long the service has not proven that it listens, in milliseconds. */
  get unprovenMs(): number {
    return performance.now() - this.#listened.monotonicMs;
  }

  /** Begins. Resolves when the history records that the service listens. */
  async start(): Promise<void> {
    this.#timer = setInterval(() => this.#run(), INTERVAL_MS);
    await this.noteListening();
  }

  /**
   * Records that the service was listening when this was called, once that is proven. Records nothing if it
   * was not, or if the proof fails.
   */
  noteListening(): Promise<void> {
    const noting = this.#note(momentNow()).finally(() => {
      if (this.#noting === noting) this.#noting = undefined;
    });
    this.#noting = noting;
    return noting;
  }

  /** Stops the timer. Resolves when nothing is in progress. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all([this.#trimming, this.#noting]);
  }

  async #note(now: Moment): Promise<void> {
    const { client, history } = this.#options;
    if (!client.connected || client.refused.length > 0) return;
    try {
      await client.flush();
    } catch {
      return; // the connection was lost, and messages with it: the last recorded moment stands
    }
    this.#listened = now;
    history.noteListening(now.wallMs);
  }

  #run(): void {
    const { history, oldestNeeded, log } = this.#options;
    if (this.#noting === undefined) void this.noteListening();
    this.#trimming ??= history
      .trim(Date.now(), oldestNeeded())
      .catch((error: unknown) => log.error({ err: error }, "cannot delete the oldest events"))
      .finally(() => {
        this.#trimming = undefined;
      });
  }
}

function momentNow(): Moment {
  return { wallMs: Date.now(), monotonicMs: performance.now() };
}
