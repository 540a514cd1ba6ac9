// Holes that a service puts into a partition's stream, so that all services store them at the same position.
// A hole that does not come back is sent again. Owned by the stream intake; bounded by one hole per partition
// and second (losses.ts) and by the time that a stream has no leader.

import type { MarkedHole, Marks } from "./marks.ts";

const TICK_MS = 1_000;
/** The number of ticks after which a hole is sent again. */
const PATIENCE_TICKS = 3;

interface SentHole {
  readonly partition: number;
  readonly hole: MarkedHole;
  ticks: number;
}

export class MarkedHoles {
  readonly #marks: Marks;
  /** By token. */
  readonly #sent = new Map<string, SentHole>();
  #timer: NodeJS.Timeout | undefined;

  constructor(marks: Marks) {
    this.#marks = marks;
  }

  /** The number of holes that have not come back. */
  get size(): number {
    return this.#sent.size;
  }

  start(): void {
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  send(partition: number, hole: MarkedHole): void {
    this.#sent.set(this.#marks.sendHole(partition, hole), { partition, hole, ticks: 0 });
  }

  /** Notes that a mark came back. */
  onMark(token: string): void {
    this.#sent.delete(token);
  }

  #tick(): void {
    for (const [token, sent] of [...this.#sent]) {
      sent.ticks += 1;
      if (sent.ticks < PATIENCE_TICKS) continue;
      this.#sent.delete(token);
      this.send(sent.partition, sent.hole);
    }
  }
}
