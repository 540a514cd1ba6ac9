// Whose streams were cut lately because their readers did not keep up, and how long such readers are to stay
// away. A reader that is cut returns with its cursor and misses nothing, but one that is cut again and again
// costs a replay each time. So the second cut of a user's streams within a minute doubles the `retry:` of the
// user's next streams, and so does each further one, up to a minute. Users are remembered, because nothing
// else is known of a reader; a user's other devices get the same `retry:`, which matters only once they lose
// their connections.
//
// Owned by the assembled edge. The workers of one edge tell each other of cuts (edge/workers/), because a
// reader may return to any of them; edges of different supervisors do not. Bounded by MAX_USERS, the users
// cut last, each of whom is forgotten two minutes after the last cut at the latest.

import type { UserId } from "../broker/contract.ts";
import { type CloseReason, RESETS } from "./pool/close-reasons.ts";

/** Delay of a reader's reconnection after its connection broke, spread over two seconds. */
const RETRY_MS = { min: 1_000, spread: 2_000 } as const;
/** The longest delay is a minute: 20 times the longest ordinary one. */
const MAX_FACTOR = 20;
const AGAIN_MS = 60_000;
const MAX_USERS = 10_000;
/** Cuts are gathered for this time before other workers are told. No reader returns sooner. */
const TELL_MS = 100;
/** Maximum number of users that other workers are told of at once. The others are known here only. */
const MAX_TOLD = 1_000;

interface Cuts {
  /** Number of cuts, each of which came before `untilMs` of the one before. */
  readonly count: number;
  /** The next cut by this time is another one in the row. */
  readonly untilMs: number;
}

export interface SlowReadersOptions {
  /** Called with the users that other workers should know of. */
  readonly tell?: ((users: readonly UserId[]) => void) | undefined;
  /** By the monotonic clock. */
  readonly nowMs?: () => number;
  readonly random?: () => number;
}

export class SlowReaders {
  readonly #tell: (users: readonly UserId[]) => void;
  readonly #nowMs: () => number;
  readonly #random: () => number;
  /** In the order of the last cuts. */
  readonly #cuts = new Map<UserId, Cuts>();
  #untold: UserId[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Streams that were opened with a longer `retry:` since the start. */
  delayed = 0;

  constructor({ tell = () => {}, nowMs, random = Math.random }: SlowReadersOptions = {}) {
    this.#tell = tell;
    this.#nowMs = nowMs ?? (() => performance.now());
    this.#random = random;
  }

  /** The number of users that are remembered. */
  get size(): number {
    this.#forget();
    return this.#cuts.size;
  }

  /** A stream of these users has ended at this worker. */
  noteEnd(users: readonly UserId[], reason: CloseReason): void {
    if (!RESETS.has(reason)) return;
    this.noteCuts(users);
    this.#untold.push(...users.slice(0, MAX_TOLD - this.#untold.length));
    this.#timer ??= setTimeout(() => this.#tellOthers(), TELL_MS);
  }

  /** Streams of these users were cut, one of each, here or at another worker. */
  noteCuts(users: readonly UserId[]): void {
    const nowMs = this.#nowMs();
    this.#forget();
    for (const user of users) {
      const count = this.#countOf(user, nowMs) + 1;
      // the time for which the reader is told to stay away does not count
      const awayMs = count === 1 ? 0 : longestMs(count);
      this.#cuts.delete(user);
      this.#cuts.set(user, { count, untilMs: nowMs + AGAIN_MS + awayMs });
    }
    for (const user of this.#cuts.keys()) {
      if (this.#cuts.size <= MAX_USERS) break;
      this.#cuts.delete(user);
    }
  }

  /** Returns the `retry:` of a new stream of these users, in milliseconds. */
  retryMs(users: readonly UserId[]): number {
    const nowMs = this.#nowMs();
    const factor = factorOf(Math.max(...users.map((user) => this.#countOf(user, nowMs))));
    if (factor > 1) this.delayed += 1;
    return factor * (RETRY_MS.min + Math.floor(this.#random() * RETRY_MS.spread));
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #countOf(user: UserId, nowMs: number): number {
    const cuts = this.#cuts.get(user);
    return cuts === undefined || nowMs > cuts.untilMs ? 0 : cuts.count;
  }

  /** Forgets users from the front: those behind them were cut later, so none stays for long. */
  #forget(): void {
    const nowMs = this.#nowMs();
    for (const [user, { untilMs }] of this.#cuts) {
      if (nowMs <= untilMs) return;
      this.#cuts.delete(user);
    }
  }

  #tellOthers(): void {
    this.#timer = undefined;
    this.#tell(this.#untold.splice(0));
  }
}

/** Returns by how much a `retry:` is longer after so many cuts in a row. */
function factorOf(count: number): number {
  return Math.min(MAX_FACTOR, 2 ** Math.max(0, count - 1));
}

function longestMs(count: number): number {
  return factorOf(count) * (RETRY_MS.min + RETRY_MS.spread);
}
