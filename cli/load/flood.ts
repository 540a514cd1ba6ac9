// Opens many streams and holds them: so many a second, from several addresses, reading and throwing away what comes.
// The article's flood tool; `closed` should stay 0.

import { setTimeout as delay } from "node:timers/promises";
import { StreamClient } from "../../lib/stream-client.ts";
import { Latency } from "./latency.ts";

const PACE_MS = 10;

/** What one process opens. Plain data: it travels to that process as JSON. */
export interface FloodPlan {
  readonly urls: readonly string[];
  /** Streams opened a second. */
  readonly rate: number;
  /** Addresses to connect from, in turn; none leaves it to the system. */
  readonly sources: readonly string[];
}

export interface FloodCounts {
  active: number;
  /** Streams that ended although we did not end them. */
  closed: number;
  /** Of them: never opened, by status or error. */
  failed: number;
  chunks: number;
  bytes: number;
}

export class Flood {
  readonly #plan: FloodPlan;
  readonly #clients = new Set<StreamClient>();
  readonly #latency = new Latency();
  readonly counts: FloodCounts = { active: 0, closed: 0, failed: 0, chunks: 0, bytes: 0 };
  /** The first reasons for which streams did not open. */
  readonly problems: Set<string> = new Set();
  #ending = false;

  constructor(plan: FloodPlan) {
    this.#plan = plan;
  }

  get latency(): Latency {
    return this.#latency;
  }

  /** Opens all, at the rate. Resolves when the last was begun, or `close` was called. */
  async open(): Promise<void> {
    const { urls, rate } = this.#plan;
    const startedAt = Date.now();
    for (let opened = 0; opened < urls.length && !this.#ending; ) {
      const due = Math.min(urls.length, Math.ceil(((Date.now() - startedAt + PACE_MS) / 1000) * rate));
      for (; opened < due; opened += 1) this.#openOne(new URL(urls[opened] ?? ""), opened);
      await delay(PACE_MS);
    }
  }

  close(): void {
    this.#ending = true;
    for (const client of this.#clients) client.close();
  }

  #openOne(url: URL, index: number): void {
    const { sources } = this.#plan;
    let open = false;
    const client: StreamClient = new StreamClient({
      url,
      source: sources[index % sources.length],
      onHead: ({ status }) => {
        open = status === 200;
        if (open) this.counts.active += 1;
        else {
          this.#note(`${url.pathname} answered ${status}`);
          client.close();
        }
      },
      onChunk: (data) => {
        if (!open) return;
        this.counts.chunks += 1;
        this.counts.bytes += data.length;
        this.#latency.noteChunk(data);
      },
      onClose: (_complete, error) => {
        this.#clients.delete(client);
        if (open) this.counts.active -= 1;
        if (this.#ending) return;
        this.counts.closed += 1;
        if (!open) this.counts.failed += 1;
        if (error !== undefined) this.#note(error.message);
      },
    });
    this.#clients.add(client);
  }

  #note(problem: string): void {
    if (this.problems.size < 10) this.problems.add(problem);
  }
}
