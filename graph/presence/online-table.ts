// Who is connected where, as the edges in `frames` mode announce it: user → (edge, handle), as often as they are
// connected to different edges. Read for every follower of every event, so it lies in typed arrays; users with
// canonical decimal ids are found by number, others by name. About 30 bytes a decimal user. Bounded by what the edges
// hold, which their own descriptors bound.

import { decimalId } from "../store/names.ts";
import { U32Map } from "../u32-map.ts";

const FIRST_ENTRIES = 1_024;
const NONE = -1;
/** Stands for a user who is found by name. */
const NAMED = 0xffff_ffff;

export class OnlineTable {
  /** Decimal id → the first of its entries. */
  readonly #byId = new U32Map();
  readonly #byName = new Map<string, number>();
  /** Names of the entries of named users. */
  readonly #names = new Map<number, string>();
  /** Edge's slot → handle → entry. */
  readonly #byHandle: Int32Array[] = [];
  #next = new Int32Array(FIRST_ENTRIES);
  #key = new Uint32Array(FIRST_ENTRIES);
  #handle = new Uint32Array(FIRST_ENTRIES);
  #slot = new Uint16Array(FIRST_ENTRIES);
  #used = 0;
  #free = NONE;
  /** Entries: users, counted once for every edge that they are connected to. */
  size = 0;

  /** A user is connected to the edge in this slot, under this handle. */
  add(slot: number, handle: number, user: string): void {
    const entries = this.#handlesOf(slot, handle); // may fail for want of memory: before anything is linked
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

  /** The user of this handle left that edge. */
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

  /** The edge in this slot is gone, and everybody on it. */
  removeEdge(slot: number): void {
    const handles = this.#byHandle[slot]?.length ?? 0;
    for (let handle = 0; handle < handles; handle += 1) this.remove(slot, handle);
    this.#byHandle[slot] = new Int32Array(0);
  }

  /** The first entry of a user by the graph's number for a decimal id; -1 where they are nowhere. */
  first(id: number): number {
    return this.#byId.get(id);
  }

  /** The same, by name. */
  firstOf(user: string): number {
    const id = decimalId(user);
    return id === undefined ? (this.#byName.get(user) ?? NONE) : this.#byId.get(id);
  }

  /** The user's next entry; -1 behind the last. */
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
    const behind = this.#next[entry] as number;
    if (at !== entry) {
      while (this.#next[at] !== entry) at = this.#next[at] as number;
      this.#next[at] = behind;
    } else if (name === undefined) {
      if (behind === NONE) this.#byId.delete(id);
      else this.#byId.set(id, behind);
    } else if (behind === NONE) this.#byName.delete(name);
    else this.#byName.set(name, behind);
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

  /** The slot's handles, with room for this one. */
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
