// What can be changed in the graph, and what each change does to the rows of its topic. Everything is decided by the
// rows of one topic, so that a partition of the topics is a partition of the changes.
//
// A topic has three rows, and a user stands in one of them at most: who follows and is sent its events, who follows and is sent
// nothing (muted), and who cannot follow (blocked). Of the three, fan-out reads the first alone.

import type { Topic, UserId } from "../../broker/contract.ts";
import type { RowEditor } from "./row-editor.ts";

export const CHANGE_KINDS = ["subscribe", "unsubscribe", "block", "unblock", "mute", "unmute"] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

export interface Change {
  readonly kind: ChangeKind;
  readonly subscriber: UserId;
  readonly topic: Topic;
}

/** A change that made a difference, by the numbers of its names. */
export interface RecordedChange {
  readonly kind: ChangeKind;
  readonly user: number;
  readonly topic: number;
}

/** `unchanged`: it was so already, or cannot be so (muting who does not follow). `blocked`: they may not follow. */
export type Outcome = "changed" | "unchanged" | "blocked";

/** The rows of one topic, read when first asked for. */
export interface TopicRows {
  readonly receiving: RowEditor;
  readonly muted: RowEditor;
  readonly blocked: RowEditor;
}

/** What a change came to. */
export interface Effect {
  readonly outcome: Outcome;
  /** Whether the user follows the topic from now on (1), no longer (-1), or as before (0). */
  readonly follows: 1 | 0 | -1;
}

const UNCHANGED: Effect = { outcome: "unchanged", follows: 0 };
const REFUSED: Effect = { outcome: "blocked", follows: 0 };
const CHANGED: Effect = { outcome: "changed", follows: 0 };
const FOLLOWS: Effect = { outcome: "changed", follows: 1 };
const LEAVES: Effect = { outcome: "changed", follows: -1 };

interface Rule {
  /** Whether names that are in no row yet get numbers: only where there is something to remember of them. */
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

function leave(rows: TopicRows, user: number): boolean {
  return rows.receiving.remove(user) || rows.muted.remove(user);
}
