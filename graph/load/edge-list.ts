// Edges gathered in memory: pairs of ids in two growing typed arrays, and the rows made of them. 8 bytes an edge while
// gathering, 8 more while the rows are built.

/** Rows by id, each sorted and unique. */
export interface Rows {
  /** Entries of all rows together, doubles included. */
  readonly size: number;
  /** Ids that have a row, ascending. */
  ids(): Iterable<number>;
  /** The row of an id. A view. */
  row(id: number): Uint32Array;
}

const FIRST_CAPACITY = 65_536;
/** Interned ids start here (names.ts); they are packed behind the decimal ones. */
const FIRST_INTERNED = 0x8000_0000;

export class EdgeList {
  #from: Uint32Array = new Uint32Array(FIRST_CAPACITY);
  #to: Uint32Array = new Uint32Array(FIRST_CAPACITY);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(from: number, to: number): void {
    if (this.#length === this.#from.length) {
      this.#from = grown(this.#from);
      this.#to = grown(this.#to);
    }
    this.#from[this.#length] = from;
    this.#to[this.#length] = to;
    this.#length += 1;
  }

  /**
   * The rows `from → to` and `to → from`. With `mutual` every edge counts both ways, and both are the same.
   * Turning a table of unsorted rows over twice sorts them, in time linear in the edges.
   */
  buildRows(mutual: boolean): { forward: Rows; backward: Rows } {
    const from = this.#from.subarray(0, this.#length);
    const to = this.#to.subarray(0, this.#length);
    const space = new IdSpace([from, to]);
    const unsorted = Table.fromPairs(space.size, from, to, space, mutual);
    const backward = unsorted.turned();
    const forward = mutual ? backward : backward.turned();
    return { forward: new TableRows(forward, space), backward: new TableRows(backward, space) };
  }
}

/** Maps the ids in use to 0 … size − 1, in order. */
class IdSpace {
  /** Sorted ids in use where they are sparse; undefined where an id's place can be computed. */
  readonly #sparse: Uint32Array | undefined;
  readonly #decimals: number;
  readonly size: number;

  constructor(sides: readonly Uint32Array[]) {
    let lastDecimal = -1;
    let lastInterned = -1;
    let edges = 0;
    for (const side of sides) {
      edges += side.length;
      for (const id of side) {
        if (id < FIRST_INTERNED) lastDecimal = Math.max(lastDecimal, id);
        else lastInterned = Math.max(lastInterned, id - FIRST_INTERNED);
      }
    }
    this.#decimals = lastDecimal + 1;
    this.size = this.#decimals + lastInterned + 1;
    if (this.size <= 4 * edges + FIRST_CAPACITY) return;
    this.#sparse = sortedUnique(sides);
    this.size = this.#sparse.length;
  }

  indexOf(id: number): number {
    if (this.#sparse === undefined) return id < FIRST_INTERNED ? id : this.#decimals + (id - FIRST_INTERNED);
    let low = 0;
    let high = this.#sparse.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#sparse[middle] as number) < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  idAt(index: number): number {
    if (this.#sparse !== undefined) return this.#sparse[index] as number;
    return index < this.#decimals ? index : FIRST_INTERNED + (index - this.#decimals);
  }
}

/** Adjacency as offsets and one array of neighbours, by index. */
class Table {
  readonly offsets: Uint32Array;
  readonly neighbours: Uint32Array;

  constructor(offsets: Uint32Array, neighbours: Uint32Array) {
    this.offsets = offsets;
    this.neighbours = neighbours;
  }

  static fromPairs(size: number, from: Uint32Array, to: Uint32Array, space: IdSpace, mutual: boolean): Table {
    const counts = new Uint32Array(size + 1);
    const count = (id: number): void => {
      const at = space.indexOf(id) + 1;
      counts[at] = (counts[at] as number) + 1;
    };
    for (const id of from) count(id);
    if (mutual) for (const id of to) count(id);
    const { offsets, neighbours, put } = emptyTable(counts);
    for (let i = 0; i < from.length; i += 1) {
      const [a, b] = [space.indexOf(from[i] as number), space.indexOf(to[i] as number)];
      put(a, b);
      if (mutual) put(b, a);
    }
    return new Table(offsets, neighbours);
  }

  /** The same edges seen from the other end; its rows are sorted, because this table is walked in order. */
  turned(): Table {
    const size = this.offsets.length - 1;
    const counts = new Uint32Array(size + 1);
    for (const neighbour of this.neighbours) counts[neighbour + 1] = (counts[neighbour + 1] as number) + 1;
    const { offsets, neighbours, put } = emptyTable(counts);
    for (let index = 0; index < size; index += 1) {
      for (let i = this.offsets[index] as number; i < (this.offsets[index + 1] as number); i += 1) {
        put(this.neighbours[i] as number, index);
      }
    }
    return new Table(offsets, neighbours);
  }
}

function emptyTable(counts: Uint32Array): {
  offsets: Uint32Array;
  neighbours: Uint32Array;
  put: (row: number, neighbour: number) => void;
} {
  for (let i = 1; i < counts.length; i += 1) counts[i] = (counts[i] as number) + (counts[i - 1] as number);
  const offsets = counts.slice();
  const next = counts;
  const neighbours = new Uint32Array(offsets[offsets.length - 1] ?? 0);
  return {
    offsets,
    neighbours,
    put(row, neighbour) {
      const at = next[row] as number;
      neighbours[at] = neighbour;
      next[row] = at + 1;
    },
  };
}

class TableRows implements Rows {
  readonly #table: Table;
  readonly #space: IdSpace;

  constructor(table: Table, space: IdSpace) {
    this.#table = table;
    this.#space = space;
  }

  get size(): number {
    return this.#table.neighbours.length;
  }

  *ids(): Generator<number> {
    for (let index = 0; index < this.#space.size; index += 1) {
      if (this.#table.offsets[index] !== this.#table.offsets[index + 1]) yield this.#space.idAt(index);
    }
  }

  row(id: number): Uint32Array {
    const index = this.#space.indexOf(id);
    const from = this.#table.offsets[index] as number;
    const to = this.#table.offsets[index + 1] as number;
    const ids = new Uint32Array(to - from);
    let length = 0;
    for (let i = from; i < to; i += 1) {
      const neighbour = this.#space.idAt(this.#table.neighbours[i] as number);
      if (length > 0 && ids[length - 1] === neighbour) continue;
      ids[length] = neighbour;
      length += 1;
    }
    return ids.subarray(0, length);
  }
}

function sortedUnique(sides: readonly Uint32Array[]): Uint32Array {
  const all = new Uint32Array(sides.reduce((sum, side) => sum + side.length, 0));
  let at = 0;
  for (const side of sides) {
    all.set(side, at);
    at += side.length;
  }
  all.sort();
  let length = 0;
  for (const id of all) {
    if (length > 0 && all[length - 1] === id) continue;
    all[length] = id;
    length += 1;
  }
  return all.slice(0, length);
}

function grown(array: Uint32Array): Uint32Array {
  const larger = new Uint32Array(array.length * 2);
  larger.set(array);
  return larger;
}
