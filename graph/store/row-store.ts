// A graph's rows and the names of the ids in them: consistent reads, and transactions that change rows. The
// graph (graph-store.ts) owns it, is its only writer, and defines what each row means. Holds the bounded
// cache of names and the number of follows.

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
  /** Set if the list continues: pass it as `after`. */
  readonly next: string | undefined;
}

/** A function that returns the key of a row, such as `followersKey`. */
export type KeyOf = (id: number) => string;
/** Returns the ids of a name's row from the place where the page begins. */
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

  /** The number of follows. */
  get follows(): number {
    return this.#follows;
  }

  /** Returns the id of a name. Returns undefined if it has none, in which case no row can contain it. */
  idOf(name: string): number | undefined {
    return this.#names.idOf(name);
  }

  /**
   * Returns the name of an id that a row contains.
   * @throws GraphError GRAPH_DAMAGED
   */
  nameOf(id: number): string {
    return this.#names.nameOf(id);
  }

  /** Returns the total number of ids in these rows of a name. */
  count(name: Topic, ...keys: readonly KeyOf[]): number {
    const id = this.#names.idOf(name);
    if (id === undefined) return 0;
    return readAsOfNow(this.#db, (read) => keys.reduce((sum, key) => sum + countRow(read, key(id)), 0));
  }

  /**
   * Returns at most `limit` names after `after`, from rows read in a consistent state.
   * @throws GraphError BAD_REQUEST for an `after` that this graph never returned
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

  /**
   * Begins a transaction. It takes effect when it has been written and passed to `settle`; only one may be
   * under way.
   */
  begin(): Transaction {
    return new Transaction(this.#read, this.#names.batch(), this.#follows);
  }

  /** Takes over the effects of a transaction that has been written. */
  settle(transaction: Transaction): void {
    this.#names.settle(transaction.names);
    this.#follows = transaction.follows;
  }

  /** Reloads the state after the database was reopened. */
  readAgain(): void {
    this.#names.readAgain();
    this.#follows = readNumber(this.#read, META.follows);
  }

  /**
   * Returns the place after which a page begins. A name keeps its place forever, even after it leaves a list.
   * A name that the graph has never stored cannot have been on a page, and accepting it would seem to restart
   * the list.
   */
  #placeOf(after: string): number {
    const id = this.#names.idOf(after);
    if (id !== undefined) return id;
    throw new GraphError(
      "BAD_REQUEST",
      `"after" ${quote(after)} was not returned by this graph: pass the \`next\` of the previous page, or omit it`,
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
