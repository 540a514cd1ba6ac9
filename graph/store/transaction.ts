// The changes of one commit, applied in order to rows in memory, and then the operations that write them. Made and
// used by the store's single writer; what it did can be read until the next one begins.

import { type Change, type Outcome, type RecordedChange, RULES, type TopicRows } from "./changes.ts";
import { numberOperation, type Operation, type Read } from "./database.ts";
import { blockedKey, followersKey, META, mutedKey, subscriptionsKey } from "./keys.ts";
import type { NameBatch } from "./names.ts";
import { RowEditor } from "./row-editor.ts";

export class Transaction {
  readonly #read: Read;
  /** Numbers given to new names. */
  readonly names: NameBatch;
  readonly #topics = new Map<number, EditedTopic>();
  readonly #subscriptions = new Map<number, RowEditor>();
  /** What made a difference, in order. */
  readonly changes: RecordedChange[] = [];
  #follows: number;

  /** @param follows follow relations in the graph before */
  constructor(read: Read, names: NameBatch, follows: number) {
    this.#read = read;
    this.names = names;
    this.#follows = follows;
  }

  /** Follow relations in the graph afterwards. */
  get follows(): number {
    return this.#follows;
  }

  apply({ kind, subscriber, topic }: Change): Outcome {
    if (subscriber === topic) return "unchanged"; // oneself is followed always
    const rule = RULES[kind];
    const user = rule.interns ? this.names.intern(subscriber) : this.names.idOf(subscriber);
    const subject = rule.interns ? this.names.intern(topic) : this.names.idOf(topic);
    if (user === undefined || subject === undefined) return "unchanged"; // a name never seen is in no row
    const { outcome, follows } = rule.apply(this.#rowsOf(subject), user);
    if (outcome !== "changed") return outcome;
    if (follows === 1) this.#subscriptionsOf(user).add(subject);
    else if (follows === -1) this.#subscriptionsOf(user).remove(subject);
    this.#follows += follows;
    this.changes.push({ kind, user, topic: subject });
    return outcome;
  }

  /** What has to be written for the rows, the new names and the number of follows, as one batch. */
  operations(): Operation[] {
    const rows = [...this.#topics.values()].flatMap((topic) => topic.editors);
    const operations = [...rows, ...this.#subscriptions.values()].flatMap((row) => row.operations());
    return [...operations, ...this.names.operations(), numberOperation(META.follows, this.#follows)];
  }

  #rowsOf(topic: number): TopicRows {
    let rows = this.#topics.get(topic);
    if (rows === undefined) {
      rows = new EditedTopic(topic, this.#read);
      this.#topics.set(topic, rows);
    }
    return rows;
  }

  #subscriptionsOf(user: number): RowEditor {
    let row = this.#subscriptions.get(user);
    if (row === undefined) {
      row = new RowEditor(subscriptionsKey(user), this.#read);
      this.#subscriptions.set(user, row);
    }
    return row;
  }
}

/** The rows of a topic; the two that are seldom needed are read when they are. */
class EditedTopic implements TopicRows {
  readonly #topic: number;
  readonly #read: Read;
  #receiving: RowEditor | undefined;
  #muted: RowEditor | undefined;
  #blocked: RowEditor | undefined;

  constructor(topic: number, read: Read) {
    this.#topic = topic;
    this.#read = read;
  }

  get receiving(): RowEditor {
    this.#receiving ??= new RowEditor(followersKey(this.#topic), this.#read);
    return this.#receiving;
  }

  get muted(): RowEditor {
    this.#muted ??= new RowEditor(mutedKey(this.#topic), this.#read);
    return this.#muted;
  }

  get blocked(): RowEditor {
    this.#blocked ??= new RowEditor(blockedKey(this.#topic), this.#read);
    return this.#blocked;
  }

  get editors(): RowEditor[] {
    return [this.#receiving, this.#muted, this.#blocked].filter((row) => row !== undefined);
  }
}
