// Holes that a service puts into a partition's stream, so that all services store them at the same position.
// A hole that does not come back is sent again. Owned by the stream intake; bounded by one hole per partition
// and second (losses.ts) and by the time that a stream has no leader.

import type { MarkedHole, Marks } from "./marks.ts";

/** A hole that has not come back after this time is sent again. */
const LOST_AFTER_MS = 3_000;

interface SentHole {
  readonly partition: number;
  readonly hole: MarkedHole;
  /** By the monotonic clock. */
  readonly atMs: number;
}

export class MarkedHoles {
  readonly #marks: Marks;
  /** By token. */
  readonly #sent = new Map<string, SentHole>();

  constructor(marks: Marks) {
    this.#marks = marks;
  }

  /** The number of holes that have not come back. */
  get size(): number {
    return this.#sent.size;
  }

  send(partition: number, hole: MarkedHole, nowMs: number): void {
    this.#sent.set(this.#marks.sendHole(partition, hole), { partition, hole, atMs: nowMs });
  }

  /** Notes that a mark came back. */
  onMark(token: string): void {
    this.#sent.delete(token);
  }

  /** Sends the holes again that did not come back in time. */
  tick(nowMs: number): void {
    for (const [token, { partition, hole, atMs }] of [...this.#sent]) {
      if (nowMs - atMs < LOST_AFTER_MS) continue;
      this.#sent.delete(token);
      this.send(partition, hole, nowMs);
    }
  }
}
