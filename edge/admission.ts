// Who may open a stream now. It refuses before the process runs out of descriptors, with a time to come back, instead
// of failing in the middle.

import type { UserId } from "../broker/contract.ts";
import { EdgeError } from "./errors.ts";
import type { Readers } from "./fanout/readers.ts";

export interface AdmissionLimits {
  readonly maxStreams: number;
  readonly maxStreamsPerUser: number;
}

export class Admission {
  readonly #limits: AdmissionLimits;
  /** Counts streams from the moment they join, before the pool has them: two that come together are two. */
  readonly #readers: Readers;
  /** Set when the edge is about to stop. */
  draining = false;
  /** Streams refused since the start. */
  refused = 0;

  constructor(limits: AdmissionLimits, readers: Readers) {
    this.#limits = limits;
    this.#readers = readers;
  }

  /** @throws EdgeError EDGE_DRAINING, EDGE_FULL or TOO_MANY_STREAMS */
  check(users: readonly UserId[]): void {
    const problem = this.#problem(users);
    if (problem === undefined) return;
    this.refused += 1;
    throw problem;
  }

  /** Counts a stream that found no room after it had passed `check`: no descriptor, or no memory for its users. */
  noteFull(): void {
    this.refused += 1;
  }

  #problem(users: readonly UserId[]): EdgeError | undefined {
    if (this.draining) return new EdgeError("EDGE_DRAINING", "this edge is stopping: another takes over");
    if (this.#readers.streams >= this.#limits.maxStreams) {
      return new EdgeError(
        "EDGE_FULL",
        `this edge holds ${this.#limits.maxStreams} streams, its limit: try again soon`,
      );
    }
    const { maxStreamsPerUser } = this.#limits;
    const busy = users.find((user) => this.#readers.streamsOf(user) >= maxStreamsPerUser);
    if (busy === undefined) return undefined;
    return new EdgeError(
      "TOO_MANY_STREAMS",
      `user ${busy} has ${maxStreamsPerUser} streams open here, the limit: close one`,
    );
  }
}
