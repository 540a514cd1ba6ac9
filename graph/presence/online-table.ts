// The users connected to edges in `frames` mode, as the edges announce them: a user has one (edge, handle)
// entry for every edge that it is connected to. Looked up for every follower of every event, so it is kept in
// typed arrays; users with canonical decimal ids are found by number, others by name. Takes about 30 bytes
// per decimal user. Bounded by the connections of the edges, which their descriptor limits bound.

import { decimalId } from "../store/names.ts";
import { U32Map } from "../u32-map.ts";

const FIRST_ENTRIES = 1_024;
const NONE = -1;
/** Marks an entry whose user is found by name. */
const NAMED = 0xffff_ffff;

export class OnlineTable {
  /** Maps a decimal id to the first of its entries. */
  readonly #byId = new U32Map();
  readonly #byName = new Map<string, number>();
  /** The names in entries of named users. */
  readonly #names = new Map<number, string>();
  /** Maps an edge's slot and a handle to an entry. */
  readonly #byHandle: Int32Array[] = [];
  #next = new Int32Array(FIRST_ENTRIES);
  #key = new Uint32Array(FIRST_ENTRIES);
  #handle = new Uint32Array(FIRST_ENTRIES);
  #slot = new Uint16Array(FIRST_ENTRIES);
  #used = 0;
  #free = NONE;
  /** The number of entries: a user counts once per edge. */
  size = 0;

  /** Records that a user is connected to the edge in this slot under this handle. */
  add(slot: number, handle: number, user: string): void {
    const entries = this.#handlesOf(slot, handle); // allocates: if that fails, nothing is linked yet
    this.remove(slot, handle);
    const entry = this.#take();
    this.#slot[entry] = slot;
    this.#handle[entry] = handle;
    const id = decimalId(user);
    this.#key[entry] = id ?? NAMED;
    if (id === undefined) {
      this.#names.set(entry, user);
      this.#next[entry] = this.#byName.get(user) ?? NONE;
      this.#byName.set(user, entry);
    } else {
      this.#next[entry] = this.#byId.get(id);
      this.#byId.set(id, entry);
    }
    entries[handle] = entry;
  }

  /** Removes the user of this handle at the edge in this slot. */
  remove(slot: number, handle: number): void {
    const entries = this.#byHandle[slot];
    const entry = entries?.[handle] ?? NONE;
    if (entries === undefined || entry === NONE) return;
    entries[handle] = NONE;
    this.#unlink(entry);
    this.#next[entry] = this.#free;
    this.#free = entry;
    this.size -= 1;
  }

  /** Removes all users of the edge in this slot. */
  removeEdge(slot: number): void {
    const handles = this.#byHandle[slot]?.length ?? 0;
    for (let handle = 0; handle < handles; handle += 1) this.remove(slot, handle);
    this.#byHandle[slot] = new Int32Array(0);
  }

  /** Returns a user's first entry, by the graph's number of a decimal id; -1 if the user is not online. */
  first(id: number): number {
    return this.#byId.get(id);
  }

  /** Returns a user's first entry by name; -1 if the user is not online. */
  firstOf(user: string): number {
    const id = decimalId(user);
    return id === undefined ? (this.#byName.get(user) ?? NONE) : this.#byId.get(id);
  }

  /** Returns the user's next entry; -1 after the last. */
  next(entry: number): number {
    return this.#next[entry] as number;
  }

  slot(entry: number): number {
    return this.#slot[entry] as number;
  }

  handle(entry: number): number {
    return this.#handle[entry] as number;
  }

  #unlink(entry: number): void {
    const name = this.#names.get(entry);
    const id = this.#key[entry] as number;
    let at = name === undefined ? this.#byId.get(id) : (this.#byName.get(name) ?? NONE);
    const nextEntry = this.#next[entry] as number;
    if (at !== entry) {
      while (this.#next[at] !== entry) at = this.#next[at] as number;
      this.#next[at] = nextEntry;
    } else if (name === undefined) {
      if (nextEntry === NONE) this.#byId.delete(id);
      else this.#byId.set(id, nextEntry);
    } else if (nextEntry === NONE) this.#byName.delete(name);
    else this.#byName.set(name, nextEntry);
    this.#names.delete(entry);
  }

  #take(): number {
    this.size += 1;
    if (this.#free !== NONE) {
      const entry = this.#free;
      this.#free = this.#next[entry] as number;
      return entry;
    }
    if (this.#used === this.#next.length) this.#grow();
    this.#used += 1;
    return this.#used - 1;
  }

  #grow(): void {
    const length = this.#next.length * 2;
    this.#next = enlarged(this.#next, new Int32Array(length));
    this.#key = enlarged(this.#key, new Uint32Array(length));
    this.#handle = enlarged(this.#handle, new Uint32Array(length));
    this.#slot = enlarged(this.#slot, new Uint16Array(length));
  }

  /** Returns the slot's handles, enlarged to hold this one. */
  #handlesOf(slot: number, handle: number): Int32Array {
    const known = this.#byHandle[slot] ?? new Int32Array(0);
    if (handle < known.length) return known;
    const larger = new Int32Array(Math.max(256, handle + 1, known.length * 2)).fill(NONE);
    larger.set(known);
    this.#byHandle[slot] = larger;
    return larger;
  }
}

function enlarged<A extends Int32Array | Uint32Array | Uint16Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
