// What the graph knows about the users on this edge, and what it is still to be told: the state of each
// handle in one epoch. A handle is given to another user only after the graph has acknowledged that its user
// left, so that a frame in flight never reaches the wrong user. Nine bytes per handle; the number of handles
// also bounds the pending changes.
//
//   absent ──join──▶ joining ──sent──▶ joined
//   joined ──leave──▶ leaving ──sent──▶ left ──acknowledged──▶ absent, released
//                       │leave: absent         ◀──join──┘                   │
//                       ▲──────────────────────────join─────────────────────┘

import { countFitting } from "../../broker/contract.ts";
import { DELTA_HEAD_BYTES, joinBytes, LEAVE_BYTES, MAX_DELTA } from "../../broker/index.ts";
import type { UserTable } from "../pool/user-table.ts";

const STATE = {
  absent: 0,
  /** Still to be announced. */
  joining: 1,
  /** Announced in the delta with this handle's sequence. */
  joined: 2,
  /** Announced; the leave is still to be announced. */
  leaving: 3,
  /** The leave was announced in the delta with this handle's sequence, and is not yet acknowledged. */
  left: 4,
} as const;

/** One delta, as it is sent. */
export interface Delta {
  readonly sequence: number;
  readonly leaves: number[];
  readonly joins: [user: string, handle: number][];
  readonly complete: boolean;
}

export class PresenceLog {
  readonly #table: UserTable;
  readonly #onRelease: (handle: number) => void;
  #states = new Uint8Array(256);
  /**
   * Per handle: the delta that announced its last join or leave. While the handle is `joining` again, this is
   * still the leave.
   */
  #sequences = new Float64Array(256);
  #joining: number[] = [];
  #leaving: number[] = [];
  /** Handles whose leave was announced, in order. */
  #left: number[] = [];
  #sequence = 0;
  #acknowledged = 0;
  /** The delta that completed the announcement of this epoch's users; infinite until it has been taken. */
  #completeAt = Number.POSITIVE_INFINITY;
  epoch = 0;
  /**
   * Whether every partition of the graph has an owner that replies. Otherwise no user is certain to receive
   * every event.
   */
  isServed = true;

  /** @param onRelease called with each handle that another user may get from now on */
  constructor(table: UserTable, onRelease: (handle: number) => void = () => {}) {
    this.#table = table;
    this.#onRelease = onRelease;
  }

  /** The last delta that was taken. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Whether the graph has acknowledged all users of this epoch's beginning. */
  get inStep(): boolean {
    return this.#acknowledged >= this.#completeAt;
  }

  /** Whether there is anything to announce. */
  get hasNews(): boolean {
    return this.#sequence === 0 || this.#joining.length > 0 || this.#leaving.length > 0;
  }

  /** Returns whether the graph has acknowledged this handle's user, for every partition. */
  isCertain(handle: number): boolean {
    const isTold = this.#states[handle] === STATE.joined;
    return this.isServed && isTold && (this.#sequences[handle] as number) <= this.#acknowledged;
  }

  /** Notes that the user of this handle is connected. Does nothing if that is already known. */
  join(handle: number): void {
    this.#reserve(handle);
    const state = this.#states[handle];
    if (state === STATE.leaving) this.#states[handle] = STATE.joined; // the leave was never announced
    if (state !== STATE.absent && state !== STATE.left) return;
    this.#states[handle] = STATE.joining;
    this.#joining.push(handle);
  }

  /**
   * Notes that the user of this handle has left. The handle is released once no message can name it any more.
   */
  leave(handle: number): void {
    const state = this.#states[handle];
    if (state === STATE.joined) {
      this.#states[handle] = STATE.leaving;
      this.#leaving.push(handle);
    } else if (state === STATE.joining) {
      // if an earlier leave of this handle is in flight, its acknowledgement releases the handle
      const wasTold = (this.#sequences[handle] as number) > this.#acknowledged;
      this.#states[handle] = wasTold ? STATE.left : STATE.absent;
      if (!wasTold) this.#release(handle);
    }
  }

  /**
   * Returns the next delta: at most MAX_DELTA leaves and as many joins, in at most `maxBytes` of JSON.
   * Undefined if there is nothing to announce.
   */
  take(maxBytes: number = Number.POSITIVE_INFINITY): Delta | undefined {
    if (!this.hasNews) return undefined;
    this.#sequence += 1;
    const leaves: number[] = [];
    const joins: [string, number][] = [];
    const half = { bytes: (maxBytes - DELTA_HEAD_BYTES) / 2, items: MAX_DELTA };
    const leaving = countFitting(this.#leaving, () => LEAVE_BYTES, half);
    for (const handle of this.#leaving.splice(0, leaving)) {
      if (this.#states[handle] !== STATE.leaving) continue; // the user has returned
      this.#move(handle, STATE.left);
      this.#left.push(handle);
      leaves.push(handle);
    }
    const bytesOf = (handle: number): number => joinBytes(this.#table.nameOf(handle) ?? "");
    const joining = countFitting(this.#joining, bytesOf, half);
    for (const handle of this.#joining.splice(0, joining)) {
      const user = this.#table.nameOf(handle);
      if (this.#states[handle] !== STATE.joining || user === undefined) continue; // the user has left
      this.#move(handle, STATE.joined);
      joins.push([user, handle]);
    }
    const complete = this.#joining.length === 0;
    if (complete) this.#completeAt = Math.min(this.#completeAt, this.#sequence);
    return { sequence: this.#sequence, leaves, joins, complete };
  }

  /** Notes that every graph service that is not lost has applied all deltas up to this one. */
  acknowledge(sequence: number): void {
    this.#acknowledged = Math.max(this.#acknowledged, Math.min(sequence, this.#sequence));
    let released = 0;
    for (; released < this.#left.length; released += 1) {
      const handle = this.#left[released] as number;
      if ((this.#sequences[handle] as number) > this.#acknowledged) break;
      if (this.#states[handle] !== STATE.left) continue; // the user has returned
      this.#states[handle] = STATE.absent;
      this.#release(handle);
    }
    this.#left.splice(0, released);
  }

  /**
   * Begins the next epoch, or the one after `after` if that is later: all users are to be announced again,
   * and frames of older epochs are no longer accepted.
   */
  restart(after = 0): void {
    this.epoch = Math.max(this.epoch, after) + 1;
    this.#sequence = 0;
    this.#acknowledged = 0;
    this.#completeAt = Number.POSITIVE_INFINITY;
    this.#joining = [];
    this.#leaving = [];
    this.#left = [];
    for (let handle = 0; handle < this.#table.capacity; handle += 1) {
      this.#sequences[handle] = 0;
      const state = this.#states[handle] ?? STATE.absent;
      if (state === STATE.joining || state === STATE.joined) {
        this.#states[handle] = STATE.joining;
        this.#joining.push(handle);
      } else if (state !== STATE.absent) {
        this.#states[handle] = STATE.absent;
        this.#release(handle);
      }
    }
  }

  #release(handle: number): void {
    this.#onRelease(handle);
    this.#table.release(handle);
  }

  #move(handle: number, state: number): void {
    this.#states[handle] = state;
    this.#sequences[handle] = this.#sequence;
  }

  #reserve(handle: number): void {
    if (handle < this.#states.length) return;
    const length = Math.max(handle + 1, this.#states.length * 2);
    const states = new Uint8Array(length);
    states.set(this.#states);
    this.#states = states;
    const sequences = new Float64Array(length);
    sequences.set(this.#sequences);
    this.#sequences = sequences;
  }
}
