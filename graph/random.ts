// A small seeded random number generator (sfc32, from PractRand). The same seed yields the same sequence on
// every machine, which Math.random cannot guarantee.

/** The number of rounds after which sfc32 has mixed its seed, as its author recommends. */
const WARM_UP = 12;

export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    this.#a = 0;
    this.#b = seed >>> 0;
    this.#c = Math.floor(seed / 0x1_0000_0000) >>> 0;
    for (let round = 0; round < WARM_UP; round += 1) this.next();
  }

  /** Returns a number uniformly distributed over the 32-bit integers. */
  next(): number {
    const result = (this.#a + this.#b + this.#counter) >>> 0;
    this.#counter = (this.#counter + 1) >>> 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) >>> 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) >>> 0;
    return result;
  }

  /** Returns a number uniformly distributed over 0 … bound − 1, for bounds well below 2^32. */
  below(bound: number): number {
    return Math.floor((this.next() / 0x1_0000_0000) * bound);
  }
}
