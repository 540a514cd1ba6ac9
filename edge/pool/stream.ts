// One open stream of a pool in TypeScript, and the driver that carries its bytes. Owned by its pool. An idle
// stream is one small object; the driver holds the bytes that wait for its reader.

import type { UserId } from "../../broker/contract.ts";
import type { StreamFormat } from "../formats/format.ts";
import type { Framing } from "../formats/frame.ts";
import type { StreamSpec } from "./pool.ts";
import { RecentIds } from "./recent-ids.ts";

/** How bytes reach a reader. Calls never throw; a broken sink is reported through `StreamPool.closed`. */
export interface SinkDriver<Sink> {
  write(sink: Sink, bytes: Uint8Array): void;
  /** Returns the number of bytes that were written and that the reader has not taken. */
  pending(sink: Sink): number;
  /** Closes the sink once everything has been read. Returns true if the close will be reported. */
  end(sink: Sink): boolean;
  /** Closes the sink at once and frees the waiting bytes. */
  cut(sink: Sink): void;
}

/** The position of a stream that is corked, which Corks knows. */
export const CORKED = -2;

/** Opaque outside the pool and its drivers. */
export class Stream<Sink> {
  readonly sink: Sink;
  /** A single user, which is the usual case, is stored without an array. */
  readonly #users: UserId | readonly UserId[];
  readonly format: StreamFormat;
  readonly framing: Framing;
  /** By the wall clock. */
  readonly expiresAtMs: number;
  /** By the monotonic clock. */
  readonly agesAtMs: number;
  readonly recent: RecentIds | undefined;
  /** Its index in the pool's list; -1 after its removal. */
  index = -1;
  /** Number of messages so far, if the format numbers them. */
  messages = 0;
  /** The cursor that was written last, by its number in the pool's Positions; CORKED while it is corked. */
  position: number;
  /** When something was written to it last, by the monotonic clock in ticks of TICK_MS: a small integer. */
  writtenAt = 0;

  constructor(sink: Sink, spec: StreamSpec, framing: Framing, agesAtMs: number, position: number) {
    const [first] = spec.users;
    this.sink = sink;
    this.#users = spec.users.length === 1 && first !== undefined ? first : spec.users;
    this.format = spec.format;
    this.framing = framing;
    this.expiresAtMs = spec.expiresAtMs ?? Number.POSITIVE_INFINITY;
    this.agesAtMs = agesAtMs;
    this.position = position;
    this.recent = spec.users.length > 1 ? new RecentIds() : undefined;
  }

  get users(): readonly UserId[] {
    return typeof this.#users === "string" ? [this.#users] : this.#users;
  }
}
