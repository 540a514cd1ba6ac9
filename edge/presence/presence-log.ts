// What the graph knows of who is connected here, and what it has yet to be told: the state of each handle, in one epoch.
// A handle is given to another user only after the graph has acknowledged that its user left, so that a frame on its
// way never reaches somebody else. Nine bytes a handle; what waits to be told is bounded by the handles.
//
//   absent ──join──▶ joining ──told──▶ joined ──leave──▶ leaving ──told──▶ left ──acknowledged──▶ absent, released
//                       │leave: absent         ◀──join──┘                   │
//                       ▲──────────────────────────join─────────────────────┘

import { DELTA_HEAD_BYTES, joinBytes, LEAVE_BYTES, MAX_DELTA } from "../../broker/index.ts";
import { countFitting } from "../../lib/fitting.ts";
import type { UserTable } from "../pool/user-table.ts";

const STATE = {
  absent: 0,
  /** To be told. */
  joining: 1,
  /** Told, in the delta of its sequence. */
  joined: 2,
  /** Told, and its leaving is to be told. */
  leaving: 3,
  /** Its leaving was told, in the delta of its sequence, and is not acknowledged. */
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
  #states = new Uint8Array(256);
  /** Of a handle: the delta that told of its last joining or leaving. While it is `joining` again, still the leaving's. */
  #sequences = new Float64Array(256);
  #joining: number[] = [];
  #leaving: number[] = [];
  /** Handles whose leaving was told, in order. */
  #left: number[] = [];
  #sequence = 0;
  #acknowledged = 0;
  /** The delta that completed this epoch's beginning; infinite until it has been taken. */
  #completeAt = Number.POSITIVE_INFINITY;
  epoch = 0;
  /** Every partition of the graph has an owner who answers. Without one, nobody can be certain. */
  isServed = true;

  constructor(table: UserTable) {
    this.#table = table;
  }

  /** The last delta that was taken. */
  get sequence(): number {
    return this.#sequence;
  }

  /** The graph has acknowledged everybody of this epoch's beginning. */
  get inStep(): boolean {
    return this.#acknowledged >= this.#completeAt;
  }

  /** Something is to be told. */
  get hasNews(): boolean {
    return this.#sequence === 0 || this.#joining.length > 0 || this.#leaving.length > 0;
  }

  /** Whether the graph has acknowledged this handle's user, for every partition. */
  isCertain(handle: number): boolean {
    const isTold = this.#states[handle] === STATE.joined;
    return this.isServed && isTold && (this.#sequences[handle] as number) <= this.#acknowledged;
  }

  /** The user of this handle is here. Harmless where that is known. */
  join(handle: number): void {
    this.#reserve(handle);
    const state = this.#states[handle];
    if (state === STATE.leaving) this.#states[handle] = STATE.joined; // never told that they left
    if (state !== STATE.absent && state !== STATE.left) return;
    this.#states[handle] = STATE.joining;
    this.#joining.push(handle);
  }

  /** The user of this handle is gone; the handle is released once nothing can name it any more. */
  leave(handle: number): void {
    const state = this.#states[handle];
    if (state === STATE.joined) {
      this.#states[handle] = STATE.leaving;
      this.#leaving.push(handle);
    } else if (state === STATE.joining) {
      // where an earlier leaving of this handle is under way, that one releases it
      const wasTold = (this.#sequences[handle] as number) > this.#acknowledged;
      this.#states[handle] = wasTold ? STATE.left : STATE.absent;
      if (!wasTold) this.#table.release(handle);
    }
  }

  /**
   * The next delta to be told: at most MAX_DELTA users who leave and as many who come, in at most so many
   * bytes of JSON. Undefined where there is no news.
   */
  take(maxBytes: number = Number.POSITIVE_INFINITY): Delta | undefined {
    if (!this.hasNews) return undefined;
    this.#sequence += 1;
    const leaves: number[] = [];
    const joins: [string, number][] = [];
    const half = { bytes: (maxBytes - DELTA_HEAD_BYTES) / 2, items: MAX_DELTA };
    const leaving = countFitting(this.#leaving, () => LEAVE_BYTES, half);
    for (const handle of this.#leaving.splice(0, leaving)) {
      if (this.#states[handle] !== STATE.leaving) continue; // came back meanwhile
      this.#move(handle, STATE.left);
      this.#left.push(handle);
      leaves.push(handle);
    }
    const bytesOf = (handle: number): number => joinBytes(this.#table.nameOf(handle) ?? "");
    const joining = countFitting(this.#joining, bytesOf, half);
    for (const handle of this.#joining.splice(0, joining)) {
      const user = this.#table.nameOf(handle);
      if (this.#states[handle] !== STATE.joining || user === undefined) continue; // left meanwhile
      this.#move(handle, STATE.joined);
      joins.push([user, handle]);
    }
    const complete = this.#joining.length === 0;
    if (complete) this.#completeAt = Math.min(this.#completeAt, this.#sequence);
    return { sequence: this.#sequence, leaves, joins, complete };
  }

  /** The graph, each of its services that lives, has applied every delta up to this one. */
  acknowledge(sequence: number): void {
    this.#acknowledged = Math.max(this.#acknowledged, Math.min(sequence, this.#sequence));
    let released = 0;
    for (; released < this.#left.length; released += 1) {
      const handle = this.#left[released] as number;
      if ((this.#sequences[handle] as number) > this.#acknowledged) break;
      if (this.#states[handle] !== STATE.left) continue; // came back
      this.#states[handle] = STATE.absent;
      this.#table.release(handle);
    }
    this.#left.splice(0, released);
  }

  /**
   * Begins the next epoch, one behind `after` if given: everybody who is here is to be told anew, and no older frame
   * counts any more.
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
        this.#table.release(handle);
      }
    }
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
