// Decides when a standby of one partition may try to take it over: after three seconds in which it saw no
// sign of the leader. The seconds are counted in the standby's own ticks, because clock readings cannot tell
// a silent leader from a standby that did not run: a process that was stopped runs its timers before it reads
// the beats that wait in its socket.

/** Interval of a leader's beats, and of the ticks in which a standby counts. */
export const LEADER_BEAT_MS = 250;
/** Three seconds of silence. */
const SILENT_TICKS = 12;
/** A tick that comes later than this after the one before means that the standby itself did not run. */
const MAX_TICK_GAP_MS = 2 * LEADER_BEAT_MS;
/** The standby is connected while NATS has answered a ping that was sent within this time. */
const PING_WITHIN_MS = 1_000;

export interface SilenceOptions {
  readonly maxTickGapMs?: number;
  readonly pingWithinMs?: number;
}

export class Silence {
  readonly #maxTickGapMs: number;
  readonly #pingWithinMs: number;
  #ticks = 0;
  #lastTickMs = Number.NEGATIVE_INFINITY;
  #pingSentMs = Number.NEGATIVE_INFINITY;

  constructor({ maxTickGapMs = MAX_TICK_GAP_MS, pingWithinMs = PING_WITHIN_MS }: SilenceOptions = {}) {
    this.#maxTickGapMs = maxTickGapMs;
    this.#pingWithinMs = pingWithinMs;
  }

  /** Returns whether the standby may try now. True until the next sign of the leader or of an own fault. */
  get isOver(): boolean {
    return this.#ticks >= SILENT_TICKS;
  }

  /** Starts the count again: after a sign of the leader, or after a reconnect. */
  restart(): void {
    this.#ticks = 0;
  }

  /** Notes that NATS answered a ping, by the time when the ping was sent. */
  answered(pingSentMs: number): void {
    this.#pingSentMs = Math.max(this.#pingSentMs, pingSentMs);
  }

  /** Counts one tick, or starts the count again if the standby did not run or was not connected. */
  tick(nowMs: number): void {
    const ran = nowMs - this.#lastTickMs <= this.#maxTickGapMs;
    const isConnected = nowMs - this.#pingSentMs <= this.#pingWithinMs;
    this.#ticks = ran && isConnected ? this.#ticks + 1 : 0;
    this.#lastTickMs = nowMs;
  }
}
