// The kinds of change to the graph, and the effect of each on the rows of its topic. The rows of one topic
// decide every change, so a partition of the topics is also a partition of the changes.
//
// A topic has three rows, and a user is in at most one of them: followers who receive its events, followers
// who receive nothing (muted), and users who cannot follow it (blocked). The fan-out reads only the first.

import type { Topic, UserId } from "../../broker/contract.ts";
import type { RowEditor } from "./row-editor.ts";

export const CHANGE_KINDS = ["subscribe", "unsubscribe", "block", "unblock", "mute", "unmute"] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

export interface Change {
  readonly kind: ChangeKind;
  readonly subscriber: UserId;
  readonly topic: Topic;
}

/** A change that had an effect, with names replaced by their ids. */
export interface RecordedChange {
  readonly kind: ChangeKind;
  readonly user: number;
  readonly topic: number;
}

/**
 * `unchanged`: there was nothing to change, as when muting a user who does not follow. `blocked`: the user
 * may not follow.
 */
export type Outcome = "changed" | "unchanged" | "blocked";

/** The rows of one topic, each read when it is first used. */
export interface TopicRows {
  readonly receiving: RowEditor;
  readonly muted: RowEditor;
  readonly blocked: RowEditor;
}

/** The effect of a change. */
export interface Effect {
  readonly outcome: Outcome;
  /** Whether the user begins to follow the topic (1), ceases to (-1), or neither (0). */
  readonly follows: 1 | 0 | -1;
}

const UNCHANGED: Effect = { outcome: "unchanged", follows: 0 };
const REFUSED: Effect = { outcome: "blocked", follows: 0 };
const CHANGED: Effect = { outcome: "changed", follows: 0 };
const FOLLOWS: Effect = { outcome: "changed", follows: 1 };
const LEAVES: Effect = { outcome: "changed", follows: -1 };

interface Rule {
  /** Whether new names get ids: only if the change must be remembered for them. */
  readonly interns: boolean;
  apply(rows: TopicRows, user: number): Effect;
}

export const RULES: Readonly<Record<ChangeKind, Rule>> = {
  subscribe: {
    interns: true,
    apply(rows, user) {
      if (rows.blocked.has(user)) return REFUSED;
      return !rows.muted.has(user) && rows.receiving.add(user) ? FOLLOWS : UNCHANGED;
    },
  },
  unsubscribe: { interns: false, apply: (rows, user) => (leave(rows, user) ? LEAVES : UNCHANGED) },
  block: {
    interns: true,
    apply(rows, user) {
      if (!rows.blocked.add(user)) return UNCHANGED;
      return leave(rows, user) ? LEAVES : CHANGED;
    },
  },
  unblock: { interns: false, apply: (rows, user) => (rows.blocked.remove(user) ? CHANGED : UNCHANGED) },
  mute: {
    interns: false,
    apply: (rows, user) => (rows.receiving.remove(user) && rows.muted.add(user) ? CHANGED : UNCHANGED),
  },
  unmute: {
    interns: false,
    apply: (rows, user) => (rows.muted.remove(user) && rows.receiving.add(user) ? CHANGED : UNCHANGED),
  },
};

/** The kinds after which a user no longer receives a topic's events. */
export const ENDS_DELIVERY: ReadonlySet<ChangeKind> = new Set(["unsubscribe", "block", "mute"]);

function leave(rows: TopicRows, user: number): boolean {
  return rows.receiving.remove(user) || rows.muted.remove(user);
}
