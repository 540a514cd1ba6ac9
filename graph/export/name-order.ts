// The order of names, where numbers stand for them: a decimal's number is its value, and of all other names LevelDB
// has a list in the order of their bytes, which is read once. Eight bytes a name.

import type { Database } from "../store/database.ts";
import { NAMES } from "../store/keys.ts";
import { isOwnName, type Names } from "../store/names.ts";

const decoder = new TextDecoder();

export class NameOrder {
  /** Numbers in the order of their names, and each number's place in it. */
  readonly #ordered: Uint32Array;
  readonly #places: Uint32Array;
  readonly #first: number;

  private constructor(ordered: Uint32Array, first: number) {
    this.#ordered = ordered;
    this.#first = first;
    this.#places = new Uint32Array(ordered.length);
    for (const [place, id] of ordered.entries()) this.#places[id - first] = place;
  }

  static async read(db: Database, names: Pick<Names, "first" | "given">): Promise<NameOrder> {
    const ordered = new Uint32Array(names.given);
    let length = 0;
    for await (const value of db.values(NAMES)) {
      ordered[length] = Number(decoder.decode(value));
      length += 1;
    }
    return new NameOrder(ordered, names.first);
  }

  /** The same numbers in the order of their names. Changes the array that it is given. */
  sort(ids: Uint32Array): Uint32Array {
    ids.sort();
    let decimals = 0;
    while (decimals < ids.length && isOwnName(ids[decimals] as number)) decimals += 1;
    const others = ids.subarray(decimals);
    for (const [index, id] of others.entries()) others[index] = this.#places[id - this.#first] as number;
    others.sort();
    for (const [index, place] of others.entries()) others[index] = this.#ordered[place] as number;
    return ids;
  }
}
