// The changes of one commit: applies them in order to rows in memory, then returns the operations that write
// them. Created and used by the store's single writer. Its results can be read until the next transaction
// begins.

import { type Change, type Outcome, type RecordedChange, RULES, type TopicRows } from "./changes.ts";
import { numberOperation, type Operation, type Read } from "./database.ts";
import { blockedKey, followersKey, META, mutedKey, subscriptionsKey } from "./keys.ts";
import type { NameBatch } from "./names.ts";
import { RowEditor } from "./row-editor.ts";

export class Transaction {
  readonly #read: Read;
  /** The ids assigned to new names. */
  readonly names: NameBatch;
  readonly #topics = new Map<number, EditedTopic>();
  readonly #subscriptions = new Map<number, RowEditor>();
  /** The changes that had an effect, in order. */
  readonly changes: RecordedChange[] = [];
  #follows: number;

  /** @param follows the number of follows in the graph before the transaction */
  constructor(read: Read, names: NameBatch, follows: number) {
    this.#read = read;
    this.names = names;
    this.#follows = follows;
  }

  /** The number of follows in the graph after the transaction. */
  get follows(): number {
    return this.#follows;
  }

  apply({ kind, subscriber, topic }: Change): Outcome {
    if (subscriber === topic) return "unchanged"; // users always follow themselves
    const rule = RULES[kind];
    const user = rule.interns ? this.names.intern(subscriber) : this.names.idOf(subscriber);
    const subject = rule.interns ? this.names.intern(topic) : this.names.idOf(topic);
    if (user === undefined || subject === undefined) return "unchanged"; // an unknown name is in no row
    const { outcome, follows } = rule.apply(this.#rowsOf(subject), user);
    if (outcome !== "changed") return outcome;
    if (follows === 1) this.#subscriptionsOf(user).add(subject);
    else if (follows === -1) this.#subscriptionsOf(user).remove(subject);
    this.#follows += follows;
    this.changes.push({ kind, user, topic: subject });
    return outcome;
  }

  /**
   * Returns the operations for the rows, the new names and the number of follows, to be written as one batch.
   */
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

/** The rows of a topic. The two that are rarely needed are read on first use. */
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
