// Names and their numbers. Topics and user ids are one namespace of text; rows hold u32 ids. A canonical decimal
// below 2^31 is its own id at no cost; any other name is interned: it gets the next id from 2^31 upwards, for ever.
// The cache in front of LevelDB is bounded.

import { GraphError } from "../errors.ts";
import type { Operation, Read } from "./database.ts";
import { idKey, META, nameKey } from "./keys.ts";

const FIRST_INTERNED = 0x8000_0000;
const LAST_ID = 0xffff_ffff;
const DECIMAL = /^(?:0|[1-9][0-9]{0,9})$/;
const CACHED_NAMES = 65_536;
/** Names that one batch may give out: some 2 GB, and near what a Map can hold. */
const MAX_NEW_NAMES = 16_000_000;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class Names {
  readonly #read: Read;
  readonly #names = new Map<number, string>();
  #nextId: number;

  constructor(read: Read) {
    this.#read = read;
    this.#nextId = nextIdIn(read);
  }

  /** Takes over what the database holds, after it was opened again. */
  readAgain(): void {
    this.#nextId = nextIdIn(this.#read);
  }

  /** The first number that stands for a name, and how many do. */
  readonly first: number = FIRST_INTERNED;
  get given(): number {
    return this.#nextId - FIRST_INTERNED;
  }

  /** The id of a name; undefined where it has none, and then no row can hold it. */
  idOf(name: string): number | undefined {
    const own = decimalId(name);
    if (own !== undefined) return own;
    const stored = this.#read(idKey(name));
    return stored === undefined ? undefined : Number(decoder.decode(stored));
  }

  /** The name of an id that a row holds. @throws GraphError GRAPH_DAMAGED */
  nameOf(id: number): string {
    if (id < FIRST_INTERNED) return String(id);
    const cached = this.#names.get(id);
    if (cached !== undefined) return cached;
    const stored = this.#read(nameKey(id));
    if (stored === undefined) {
      throw new GraphError("GRAPH_DAMAGED", `id ${id} has no name: restore a backup or load the graph anew`);
    }
    const name = decoder.decode(stored);
    if (this.#names.size >= CACHED_NAMES) this.#names.clear();
    this.#names.set(id, name);
    return name;
  }

  /** Starts a batch of new names, which count only once the batch has been written and `settle`d. */
  batch(): NameBatch {
    return new NameBatch(this, this.#nextId);
  }

  /** Takes over what a written batch gave out. */
  settle(batch: NameBatch): void {
    this.#nextId = batch.nextId;
  }
}

function nextIdIn(read: Read): number {
  const stored = read(META.nextId);
  return stored === undefined ? FIRST_INTERNED : Number(decoder.decode(stored));
}

/** Ids given out by one write, together with the operations that make them last. */
export class NameBatch {
  readonly #names: Names;
  readonly #given = new Map<string, number>();
  nextId: number;

  constructor(names: Names, nextId: number) {
    this.#names = names;
    this.nextId = nextId;
  }

  /** The id of a name, those of this batch included. */
  idOf(name: string): number | undefined {
    return this.#given.get(name) ?? this.#names.idOf(name);
  }

  /** The id of a name, a new one where it has none. */
  intern(name: string): number {
    const known = this.idOf(name);
    if (known !== undefined) return known;
    if (this.nextId > LAST_ID) {
      throw new GraphError(
        "GRAPH_OVERLOADED",
        "2^31 names are in use: use decimal ids for users, they need none",
      );
    }
    if (this.#given.size >= MAX_NEW_NAMES) {
      throw new GraphError(
        "GRAPH_OVERLOADED",
        `over ${MAX_NEW_NAMES} new names at once: load the file in parts, or use decimal ids, they need none`,
      );
    }
    const id = this.nextId;
    this.nextId += 1;
    this.#given.set(name, id);
    return id;
  }

  /** What has to be written in the same batch as the rows, or before them in this order. */
  *operations(): Generator<Operation> {
    if (this.#given.size === 0) return;
    yield { type: "put", key: META.nextId, value: encoder.encode(String(this.nextId)) };
    for (const [name, id] of this.#given) {
      yield { type: "put", key: nameKey(id), value: encoder.encode(name) };
      yield { type: "put", key: idKey(name), value: encoder.encode(String(id)) };
    }
  }
}

/** Whether an id is its name as a number, so that nothing has to be read to know the name. */
export function isOwnName(id: number): boolean {
  return id < FIRST_INTERNED;
}

/** The id that a canonical decimal name is by itself. */
export function decimalId(name: string): number | undefined {
  if (!DECIMAL.test(name)) return undefined;
  const value = Number(name);
  return value < FIRST_INTERNED ? value : undefined;
}
