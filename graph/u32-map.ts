// A map from u32 keys to small non-negative numbers in two typed arrays. Uses open addressing with linear
// probing, and deletes by shifting entries back, so that no tombstones accumulate. Takes 12 to 16 bytes per
// entry; a JavaScript Map takes 50. Grows by doubling and never shrinks.

const FIRST_SLOTS = 1_024;
/** The map grows when a larger fraction of its slots is occupied. */
const MAX_TAKEN = 0.7;
const EMPTY = -1;

export class U32Map {
  #keys = new Uint32Array(FIRST_SLOTS);
  #values = new Int32Array(FIRST_SLOTS).fill(EMPTY);
  #mask = FIRST_SLOTS - 1;
  size = 0;

  /** Bytes of memory used. */
  get bytes(): number {
    return this.#keys.byteLength + this.#values.byteLength;
  }

  /** Returns the value of a key, or -1 if it has none. */
  get(key: number): number {
    let slot = home(key, this.#mask);
    for (;;) {
      const value = this.#values[slot] as number;
      if (value === EMPTY || this.#keys[slot] === key) return value;
      slot = (slot + 1) & this.#mask;
    }
  }

  /**
   * Sets the value of a key and returns the previous one, or -1 if it had none.
   * @param value at least 0
   */
  set(key: number, value: number): number {
    if (this.size + 1 > (this.#mask + 1) * MAX_TAKEN) this.#grow();
    let slot = home(key, this.#mask);
    let previous = this.#values[slot] as number;
    while (previous !== EMPTY && this.#keys[slot] !== key) {
      slot = (slot + 1) & this.#mask;
      previous = this.#values[slot] as number;
    }
    if (previous === EMPTY) this.size += 1;
    this.#keys[slot] = key;
    this.#values[slot] = value;
    return previous;
  }

  delete(key: number): void {
    let gap = home(key, this.#mask);
    while (this.#keys[gap] !== key || this.#values[gap] === EMPTY) {
      if (this.#values[gap] === EMPTY) return;
      gap = (gap + 1) & this.#mask;
    }
    // entries that this one displaced past the gap move back into it
    for (let slot = (gap + 1) & this.#mask; this.#values[slot] !== EMPTY; slot = (slot + 1) & this.#mask) {
      const wanted = home(this.#keys[slot] as number, this.#mask);
      if (((slot - wanted) & this.#mask) < ((slot - gap) & this.#mask)) continue;
      this.#keys[gap] = this.#keys[slot] as number;
      this.#values[gap] = this.#values[slot] as number;
      gap = slot;
    }
    this.#values[gap] = EMPTY;
    this.size -= 1;
  }

  /** The same entries in no more memory than they need. O(slots). */
  shrunk(): U32Map {
    const smaller = new U32Map();
    for (const [slot, value] of this.#values.entries())
      if (value !== EMPTY) smaller.set(this.#keys[slot] as number, value);
    return smaller;
  }

  #grow(): void {
    const [keys, values] = [this.#keys, this.#values];
    this.#mask = keys.length * 2 - 1;
    this.#keys = new Uint32Array(keys.length * 2);
    this.#values = new Int32Array(keys.length * 2).fill(EMPTY);
    this.size = 0;
    for (let slot = 0; slot < keys.length; slot += 1) {
      if (values[slot] !== EMPTY) this.set(keys[slot] as number, values[slot] as number);
    }
  }
}

/** Fibonacci hashing, which spreads neighbouring ids. */
function home(key: number, mask: number): number {
  return (Math.imul(key, 0x9e37_79b1) >>> 7) & mask;
}
