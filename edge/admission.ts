// Decides whether a stream may be opened now. Streams are refused, with a time to retry after, before the
// process runs out of descriptors, so that none fails halfway.

import type { UserId } from "../broker/contract.ts";
import { EdgeError } from "./errors.ts";
import type { Readers } from "./fanout/readers.ts";

/** Maximum number of streams that wait for what their readers missed. */
const MAX_SEAMS = 100_000;

export interface AdmissionLimits {
  readonly maxStreams: number;
  readonly maxStreamsPerUser: number;
}

export class Admission {
  readonly #limits: AdmissionLimits;
  /**
   * Counts a stream as soon as it joins, before the pool holds it, so that two concurrent requests count as
   * two.
   */
  readonly #readers: Readers;
  readonly #seams: { readonly size: number };
  /** Set when the edge begins to stop. */
  draining = false;
  /** Streams refused since the start. */
  refused = 0;

  /** @param seams the streams that wait for what their readers missed */
  constructor(limits: AdmissionLimits, readers: Readers, seams: { readonly size: number }) {
    this.#limits = limits;
    this.#readers = readers;
    this.#seams = seams;
  }

  /** @throws EdgeError EDGE_DRAINING, EDGE_FULL, EDGE_BUSY or TOO_MANY_STREAMS */
  check(users: readonly UserId[]): void {
    const problem = this.#problem(users);
    if (problem === undefined) return;
    this.refused += 1;
    throw problem;
  }

  /**
   * Counts a stream that passed `check` and then could not be held, for lack of a descriptor or of memory.
   */
  noteFull(): void {
    this.refused += 1;
  }

  #problem(users: readonly UserId[]): EdgeError | undefined {
    if (this.draining)
      return new EdgeError("EDGE_DRAINING", "this edge is stopping: connect again to reach another edge");
    if (this.#readers.streams >= this.#limits.maxStreams) {
      return new EdgeError(
        "EDGE_FULL",
        `this edge holds ${this.#limits.maxStreams} streams, its limit: try again soon`,
      );
    }
    if (this.#seams.size >= MAX_SEAMS)
      return new EdgeError(
        "EDGE_BUSY",
        `${MAX_SEAMS} readers are waiting here for what they missed: try again soon`,
      );
    const { maxStreamsPerUser } = this.#limits;
    const busy = users.find((user) => this.#readers.streamsOf(user) >= maxStreamsPerUser);
    if (busy === undefined) return undefined;
    return new EdgeError(
      "TOO_MANY_STREAMS",
      `user ${busy} has ${maxStreamsPerUser} streams open here, the limit: close one`,
    );
  }
}
