// Sorts ids by their names. A decimal's id is its value. For all other names LevelDB has a list ordered by
// their bytes, which is read once. Takes eight bytes per name.

import type { Database } from "../store/database.ts";
import { NAMES } from "../store/keys.ts";
import { isOwnName, type Names } from "../store/names.ts";

const decoder = new TextDecoder();

export class NameOrder {
  /** The ids in the order of their names, and the position of each id in that order. */
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

  /** Sorts ids by their names, in place. */
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
