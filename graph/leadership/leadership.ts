// The leadership of one partition, as one start of a service sees it: who leads by the last term record of
// the change log, whether this service may try to take over, and whether it may act as the leader. It decides
// and does no I/O; its caller applies the log, sends and receives beats, and calls `tick` every
// LEADER_BEAT_MS.

import { Confirmation } from "./confirmation.ts";
import { Silence } from "./silence.ts";

/** A record of the change log, as far as leadership is concerned. */
export type LeadershipRecord =
  /** Begins a term. `leader` names one start of a service; a leader that hands over names its successor. */
  | { readonly kind: "term"; readonly term: number; readonly leader: string }
  /** Any other record, which names the term of its writer. */
  | { readonly kind: "change" | "check"; readonly term: number };

export interface LeadershipOptions {
  /** Names this start of the service: unique among all services and starts. */
  readonly me: string;
  /** The highest term in the snapshot or folder from which the service started. */
  readonly term: number;
  readonly silence?: Silence;
  readonly confirmation?: Confirmation;
}

export class Leadership {
  readonly #me: string;
  readonly #silence: Silence;
  readonly #confirmation: Confirmation;
  /** The term of the last record that was applied; 0 before the first. */
  #logTerm = 0;
  /** The highest term in the log, in a snapshot, or known to an edge or another service. */
  #highest: number;
  /** The term that this service leads. */
  #term: number | undefined;

  constructor({ me, term, silence, confirmation }: LeadershipOptions) {
    this.#me = me;
    this.#highest = term;
    this.#silence = silence ?? new Silence();
    this.#confirmation = confirmation ?? new Confirmation();
  }

  /** The term that this service leads; undefined if it stands by. */
  get term(): number | undefined {
    return this.#term;
  }

  /** The term to write when taking over: higher than every term that this service has seen. */
  get nextTerm(): number {
    return this.#highest + 1;
  }

  /** Returns whether a standby with complete rows may append a term record after the last that it applied. */
  get mayTry(): boolean {
    return this.#term === undefined && this.#silence.isOver;
  }

  /** Returns whether a leader may reply to requests, begin events and serve edges. */
  mayAct(nowMs: number): boolean {
    return this.#term !== undefined && this.#confirmation.holds(nowMs);
  }

  /** Returns whether a leader without a write in progress should write a check record. */
  mustCheck(nowMs: number): boolean {
    return this.#term !== undefined && this.#confirmation.isDue(nowMs);
  }

  /**
   * Notes a record that was applied in the order of the log. Each is a sign of its writer, which led when it
   * was written. That holds for any term: a log that was restored may have lower ones than this service has
   * seen.
   */
  applied(record: LeadershipRecord): void {
    this.#silence.restart();
    this.#logTerm = record.term;
    this.see(record.term);
    if (record.kind !== "term") return;
    if (record.leader !== this.#me || record.term < this.#highest) return this.#stepDown();
    this.#term = record.term;
    this.#confirmation.forget();
  }

  /** Notes that the log acknowledged a write of this service. */
  acknowledged(sentMs: number): void {
    this.#confirmation.confirm(sentMs);
  }

  /** Notes a leader's beat. That of a deposed leader is no sign of the current one. */
  beat(term: number): void {
    if (term >= this.#logTerm) this.#silence.restart();
    this.see(term);
  }

  /** Notes a term that an edge, another service or a snapshot names. A leader with a lower one steps down. */
  see(term: number): void {
    this.#highest = Math.max(this.#highest, term);
    if (this.#term !== undefined && this.#term < this.#highest) this.#stepDown();
  }

  /** Stops acting as the leader before a hand-over is written. An acknowledged later write ends that. */
  freeze(): void {
    this.#confirmation.forget();
  }

  /** Notes that NATS answered a ping, by the time when the ping was sent. */
  answered(pingSentMs: number): void {
    this.#silence.answered(pingSentMs);
  }

  reconnected(): void {
    this.#silence.restart();
    this.#confirmation.forget();
  }

  tick(nowMs: number): void {
    this.#silence.tick(nowMs);
  }

  #stepDown(): void {
    if (this.#term !== undefined) this.#silence.restart();
    this.#term = undefined;
    this.#confirmation.forget();
  }
}
