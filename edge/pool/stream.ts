// One open stream of a pool in TypeScript, and the driver that its bytes go through. Owned by its pool; at rest it is one
// small object, and what waits for its reader is the driver's.

import type { UserId } from "../../broker/contract.ts";
import type { StreamFormat } from "../formats/format.ts";
import type { Framing } from "../formats/frame.ts";
import type { StreamSpec } from "./pool.ts";
import { RecentIds } from "./recent-ids.ts";

/** How bytes reach a reader. Calls never throw; a sink that broke is reported through `StreamPool.closed`. */
export interface SinkDriver<Sink> {
  write(sink: Sink, bytes: Uint8Array): void;
  /** Bytes handed over that the reader has not taken. */
  pending(sink: Sink): number;
  /** Nothing follows: close once everything has been read. True where the close will be reported. */
  end(sink: Sink): boolean;
  /** Close now, and free what waits. */
  cut(sink: Sink): void;
}

/** Opaque outside the pool and its drivers. */
export class Stream<Sink> {
  readonly sink: Sink;
  /** One user, as nearly always, without an array around it. */
  readonly #users: UserId | readonly UserId[];
  readonly format: StreamFormat;
  readonly framing: Framing;
  /** By the wall clock. */
  readonly expiresAtMs: number;
  /** By the monotonic clock. */
  readonly agesAtMs: number;
  readonly recent: RecentIds | undefined;
  /** Its place in the pool's list; -1 once it is out. */
  index = -1;
  /** Messages so far, where the format numbers them. */
  messages = 0;
  /** The cursor that was written last, by its number in the pool's Positions. */
  position: number;
  /** Nothing was written since the last visit. */
  idle = false;

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
