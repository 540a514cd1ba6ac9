// Names and their ids. Topics and users share one namespace of text; rows hold u32 ids. A canonical decimal
// below 2^31 is its own id and costs nothing. Any other name is interned: it gets the next id from 2^31
// upwards and keeps it forever. The cache in front of LevelDB is bounded.

import { GraphError } from "../errors.ts";
import type { Operation, Read } from "./database.ts";
import { idKey, META, nameKey } from "./keys.ts";

const FIRST_INTERNED = 0x8000_0000;
const LAST_ID = 0xffff_ffff;
/** Digits of the largest id. */
const MAX_DIGITS = 10;
const ZERO = "0".charCodeAt(0);
const CACHED_NAMES = 65_536;
/** The maximum number of new names in one batch: they take some 2 GB, close to what a Map can hold. */
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

  /** Reloads the state after the database was reopened. */
  readAgain(): void {
    this.#nextId = nextIdIn(this.#read);
  }

  /** The lowest id of an interned name, and the number of interned names. */
  readonly first: number = FIRST_INTERNED;
  get given(): number {
    return this.#nextId - FIRST_INTERNED;
  }

  /** Returns the id of a name. Returns undefined if it has none, in which case no row can contain it. */
  idOf(name: string): number | undefined {
    const own = decimalId(name);
    if (own !== undefined) return own;
    const stored = this.#read(idKey(name));
    return stored === undefined ? undefined : Number(decoder.decode(stored));
  }

  /**
   * Returns the name of an id that a row contains.
   * @throws GraphError GRAPH_DAMAGED
   */
  nameOf(id: number): string {
    if (id < FIRST_INTERNED) return String(id);
    const cached = this.#names.get(id);
    if (cached !== undefined) return cached;
    const stored = this.#read(nameKey(id));
    if (stored === undefined) {
      throw new GraphError("GRAPH_DAMAGED", `id ${id} has no name: restore a backup or load the graph again`);
    }
    const name = decoder.decode(stored);
    if (this.#names.size >= CACHED_NAMES) this.#names.clear();
    this.#names.set(id, name);
    return name;
  }

  /** Starts a batch of new names, which are valid once the batch has been written and passed to `settle`. */
  batch(): NameBatch {
    return new NameBatch(this, this.#nextId);
  }

  /** Takes over the names of a batch that has been written. */
  settle(batch: NameBatch): void {
    this.#nextId = batch.nextId;
  }
}

function nextIdIn(read: Read): number {
  const stored = read(META.nextId);
  return stored === undefined ? FIRST_INTERNED : Number(decoder.decode(stored));
}

/** The ids assigned by one write, and the operations that store them. */
export class NameBatch {
  readonly #names: Names;
  readonly #given = new Map<string, number>();
  nextId: number;

  constructor(names: Names, nextId: number) {
    this.#names = names;
    this.nextId = nextId;
  }

  /** Returns the id of a name, including names of this batch. */
  idOf(name: string): number | undefined {
    return this.#given.get(name) ?? this.#names.idOf(name);
  }

  /** Returns the id of a name, and assigns one if it has none. */
  intern(name: string): number {
    const known = this.idOf(name);
    if (known !== undefined) return known;
    if (this.nextId > LAST_ID) {
      throw new GraphError(
        "GRAPH_OVERLOADED",
        "2^31 names are in use: use decimal ids for users, which need no name",
      );
    }
    if (this.#given.size >= MAX_NEW_NAMES) {
      throw new GraphError(
        "GRAPH_OVERLOADED",
        `over ${MAX_NEW_NAMES} new names at once: load the file in parts, or use decimal ids, which need no name`,
      );
    }
    const id = this.nextId;
    this.nextId += 1;
    this.#given.set(name, id);
    return id;
  }

  /** Returns the operations to write in the same batch as the rows, or before them in this order. */
  *operations(): Generator<Operation> {
    if (this.#given.size === 0) return;
    yield { type: "put", key: META.nextId, value: encoder.encode(String(this.nextId)) };
    for (const [name, id] of this.#given) {
      yield { type: "put", key: nameKey(id), value: encoder.encode(name) };
      yield { type: "put", key: idKey(name), value: encoder.encode(String(id)) };
    }
  }
}

/** Returns whether an id is itself the name, so that no name has to be looked up. */
export function isOwnName(id: number): boolean {
  return id < FIRST_INTERNED;
}

/** Returns the id of a canonical decimal name, which is its value. Runs for every event, hence no RegExp. */
export function decimalId(name: string): number | undefined {
  const digits = name.length;
  if (digits === 0 || digits > MAX_DIGITS) return undefined;
  let value = 0;
  for (let at = 0; at < digits; at += 1) {
    const digit = name.charCodeAt(at) - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  const isCanonical = digits === 1 || name.charCodeAt(0) !== ZERO;
  return isCanonical && value < FIRST_INTERNED ? value : undefined;
}
