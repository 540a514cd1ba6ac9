// One number per row of a range of consecutive ordinals: a typed array used as a ring, indexed by ordinal.
// Grows by doubling and never shrinks, so its memory follows the largest number of rows that were stored at a
// time. Owned by the chain, the placement and the recent rows, each of which drops what it no longer needs.

const INITIAL_ROWS = 1_024;

/** The two sizes of numbers. */
type Values = Uint8Array | Uint32Array;

export class OrdinalRing {
  #values: Values;
  #first: number;
  #next: number;

  /**
   * @param first the ordinal of the first number to be appended
   * @param Type the array type, which determines the size of a number
   */
  constructor(first: number, Type: new (length: number) => Values) {
    this.#values = new Type(INITIAL_ROWS);
    this.#first = first;
    this.#next = first;
  }

  /** The ordinal of the oldest number. */
  get first(): number {
    return this.#first;
  }

  /** The ordinal that the next number gets. */
  get next(): number {
    return this.#next;
  }

  /** Memory used, in bytes. */
  get bytes(): number {
    return this.#values.byteLength;
  }

  /** Returns the number of an ordinal from `first` up to but excluding `next`. */
  at(ordinal: number): number {
    return this.#values[ordinal & (this.#values.length - 1)] as number;
  }

  /** Appends a number. Amortized O(1). */
  append(value: number): void {
    if (this.#next - this.#first === this.#values.length) this.#grow();
    this.#values[this.#next & (this.#values.length - 1)] = value;
    this.#next += 1;
  }

  /** Appends numbers. */
  appendAll(values: Values): void {
    while (this.#next - this.#first + values.length > this.#values.length) this.#grow();
    const at = this.#next & (this.#values.length - 1);
    const untilWrap = Math.min(values.length, this.#values.length - at);
    this.#values.set(values.subarray(0, untilWrap), at);
    this.#values.set(values.subarray(untilWrap));
    this.#next += values.length;
  }

  /** Forgets the numbers before an ordinal. */
  dropBefore(first: number): void {
    this.#first = Math.max(this.#first, first);
  }

  #grow(): void {
    const before = this.#values;
    const Type = before.constructor as new (length: number) => Values;
    const larger = new Type(before.length * 2);
    const wrap = this.#first & (before.length - 1);
    const wrapped = this.#first + before.length - wrap;
    larger.set(before.subarray(wrap), this.#first & (larger.length - 1));
    larger.set(before.subarray(0, wrap), wrapped & (larger.length - 1));
    this.#values = larger;
  }
}
