// A graph's rows and the names of what stands in them: reads as of one instant, and transactions that change them. What
// a row means (who follows, who is muted) is the graph's to know (graph-store.ts), which owns this and alone writes.
// Holds the bounded cache of names, and the number of follows.

import type { Topic } from "../../broker/contract.ts";
import { quote } from "../../lib/errors.ts";
import { GraphError } from "../errors.ts";
import { type Database, type Read, readNumber } from "./database.ts";
import { META } from "./keys.ts";
import { Names } from "./names.ts";
import { countRow, readAsOfNow, readRow } from "./row-reader.ts";
import { Transaction } from "./transaction.ts";

/** One page of a row, as names. */
export interface Page {
  readonly names: readonly string[];
  /** Where more follow: hand it back as `after`. */
  readonly next: string | undefined;
}

/** The key of a row, such as `followersKey`. */
export type KeyOf = (id: number) => string;
/** The ids of a name's row after the place where a page begins. */
export type RestOfRow = (key: KeyOf, name: Topic) => Iterable<Uint32Array>;

export class RowStore {
  readonly #db: Database;
  readonly #read: Read;
  readonly #names: Names;
  #follows: number;

  constructor(db: Database) {
    this.#db = db;
    this.#read = (key) => db.getSync(key);
    this.#names = new Names(this.#read);
    this.#follows = readNumber(this.#read, META.follows);
  }

  /** Follow relations in all. */
  get follows(): number {
    return this.#follows;
  }

  /** The number of a name; undefined where it has none, and then no row can hold it. */
  idOf(name: string): number | undefined {
    return this.#names.idOf(name);
  }

  /** The name of a number that a row holds. @throws GraphError GRAPH_DAMAGED */
  nameOf(id: number): string {
    return this.#names.nameOf(id);
  }

  /** How many ids these rows of a name hold together. */
  count(name: Topic, ...keys: readonly KeyOf[]): number {
    const id = this.#names.idOf(name);
    if (id === undefined) return 0;
    return readAsOfNow(this.#db, (read) => keys.reduce((sum, key) => sum + countRow(read, key(id)), 0));
  }

  /**
   * At most `limit` names behind `after`, out of rows that are read as of one instant.
   * @throws GraphError BAD_REQUEST for an `after` that this graph never issued
   */
  page(after: string | undefined, limit: number, idsOf: (rest: RestOfRow) => Iterable<Uint32Array>): Page {
    const place = after === undefined ? undefined : this.#placeOf(after);
    return readAsOfNow(this.#db, (read) => {
      const ids = idsOf((key, name) => {
        const id = this.#names.idOf(name);
        return id === undefined ? [] : readRow(read, key(id), place);
      });
      return this.#firstOf(ids, limit);
    });
  }

  /** Begins to change rows. Nothing counts before it is written and `settle`d, and one is under way at a time. */
  begin(): Transaction {
    return new Transaction(this.#read, this.#names.batch(), this.#follows);
  }

  /** Takes over what a transaction has written. */
  settle(transaction: Transaction): void {
    this.#names.settle(transaction.names);
    this.#follows = transaction.follows;
  }

  /** Takes over what the database holds, after it was opened again. */
  readAgain(): void {
    this.#names.readAgain();
    this.#follows = readNumber(this.#read, META.follows);
  }

  /**
   * Where a page goes on. A name keeps its place when it leaves the list, and for ever; a name that this graph has never held
   * can have been on no page, and a list would seem to begin again.
   */
  #placeOf(after: string): number {
    const id = this.#names.idOf(after);
    if (id !== undefined) return id;
    throw new GraphError(
      "BAD_REQUEST",
      `"after" ${quote(after)} is on no page of this graph: give the \`next\` of the page before, or leave it out`,
    );
  }

  #firstOf(sets: Iterable<Uint32Array>, limit: number): Page {
    const names: string[] = [];
    for (const ids of sets) {
      for (const id of ids) {
        if (names.length === limit) return { names, next: names[limit - 1] };
        names.push(this.#names.nameOf(id));
      }
    }
    return { names, next: undefined };
  }
}
