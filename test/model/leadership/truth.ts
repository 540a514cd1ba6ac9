// What really happened in one partition: the follows that took effect and those that were acknowledged. It
// decides what every reader is owed, what it must not see, and whether a reply to a lookup was out of date.

import type { History } from "../history.ts";
import { type Follow, keyOf, type Replica, type Rows } from "./replica.ts";
import type { ChangeRecord, LogRecord } from "./replicated-log.ts";

export class Truth {
  readonly #history: History;
  #rows: Map<string, Follow>;
  /** Follows that were acknowledged and have not ended since. */
  readonly #certain: Set<string>;
  /** Ended follows → the newest event when that was acknowledged. */
  readonly #endedAt = new Map<string, number>();
  /** Event → users to whom it was owed when it was published → how often their follow had ended by then. */
  readonly #owed = new Map<number, ReadonlyMap<number, number>>();
  /** The last record whose effect was acknowledged. */
  #acknowledged = 0;

  constructor(history: History, rows: Rows) {
    this.#history = history;
    this.#rows = new Map(rows);
    this.#certain = new Set([...rows].filter(([, { on }]) => on).map(([key]) => key));
    for (const [key, { on }] of rows) if (!on) this.#endedAt.set(key, 0);
  }

  get rows(): Rows {
    return this.#rows;
  }

  /** Notes that the log was replaced by one whose sequences start again. */
  restored(): void {
    this.#acknowledged = 0;
  }

  /** Notes a record that took effect. */
  written(record: LogRecord): void {
    if (record.kind !== "change") return;
    const key = keyOf(record.user, record.topic);
    this.#rows.set(key, { on: record.on, endings: record.endings });
    this.#certain.delete(key);
    this.#endedAt.delete(key);
  }

  /** Notes that a client was told that its change took effect. */
  acknowledged({ user, topic, on, endings }: ChangeRecord, sequence: number): void {
    this.#acknowledged = Math.max(this.#acknowledged, sequence);
    const key = keyOf(user, topic);
    const now = this.#rows.get(key);
    if (now?.on !== on || now.endings !== endings) return;
    if (on) this.#certain.add(key);
    else this.#endedAt.set(key, this.#history.last);
  }

  /** Notes an event of a topic, or a direct message, at the moment when it is published. */
  published(seq: number, users: number): void {
    const entry = this.#history.at(seq);
    const owed = new Map<number, number>();
    for (let user = 0; user < users; user += 1) {
      if (entry.kind === "direct" && entry.user === user) owed.set(user, 0);
      if (entry.kind !== "topic") continue;
      const key = keyOf(user, entry.topic);
      if (this.#certain.has(key)) owed.set(user, this.#rows.get(key)?.endings ?? 0);
    }
    this.#owed.set(seq, owed);
  }

  /**
   * Returns whether a user must have received an event: owed at first, and the follow has not ended since.
   */
  owes(user: number, seq: number): boolean {
    const entry = this.#history.at(seq);
    const endings = entry.kind === "topic" ? (this.#rows.get(keyOf(user, entry.topic))?.endings ?? 0) : 0;
    return this.#owed.get(seq)?.get(user) === endings;
  }

  /** Returns whether a user may not see an event that is written to one of the user's streams now. */
  isForeign(user: number, seq: number): boolean {
    const entry = this.#history.at(seq);
    if (entry.kind === "direct") return entry.user !== user;
    if (entry.kind !== "topic") return false;
    const key = keyOf(user, entry.topic);
    const endedAt = this.#endedAt.get(key) ?? (this.#rows.has(key) ? undefined : 0);
    return endedAt !== undefined && seq > endedAt;
  }

  /** Returns how often a follow has ended for certain; undefined while it may go on. */
  endingsOf(user: number, topic: number): number | undefined {
    const follow = this.#rows.get(keyOf(user, topic));
    return follow === undefined || follow.on ? undefined : follow.endings;
  }

  /** Returns what is wrong with a reply that a leader gives from these rows now. */
  lookUp(replica: Replica, user: number, topic: number): string | undefined {
    if (replica.applied < this.#acknowledged)
      return `stale lookup: ${replica.applied} of ${this.#acknowledged} acknowledged records`;
    const key = keyOf(user, topic);
    const isOn = replica.followOf(user, topic).on;
    if (this.#certain.has(key) && !isOn) return `a lookup lacks the follow ${key}`;
    return this.#endedAt.has(key) && isOn ? `a lookup has the ended follow ${key}` : undefined;
  }
}
