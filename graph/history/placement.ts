// The partition of each row and its place within that partition: 5 bytes per row, with the same first and
// next ordinals as the chain. If the service owns only one partition, nothing is stored, because places
// follow from ordinals. Owned by the history.

const INITIAL_ROWS = 1_024;

export interface Placement {
  readonly bytes: number;
  /** Records the partition and place of the next row. */
  append(partition: number, place: number): void;
  partitionAt(ordinal: number): number;
  placeAt(ordinal: number): number;
  /** Forgets the rows before an ordinal. */
  dropBefore(first: number): void;
}

/**
 * Creates the placement of rows in these partitions.
 * @param first the ordinal of the first row to be appended
 */
export function newPlacement(partitions: readonly number[], first: number): Placement {
  const [only] = partitions;
  return partitions.length === 1 ? new OnePartition(only as number, first) : new SeveralPartitions(first);
}

class OnePartition implements Placement {
  readonly bytes = 0;
  readonly #partition: number;
  readonly #offset: number;

  constructor(partition: number, first: number) {
    this.#partition = partition;
    this.#offset = first - 1; // places begin at 1
  }

  append(): void {}

  partitionAt(): number {
    return this.#partition;
  }

  placeAt(ordinal: number): number {
    return ordinal - this.#offset;
  }

  dropBefore(): void {}
}

class SeveralPartitions implements Placement {
  #partitions = new Uint8Array(INITIAL_ROWS);
  #places = new Uint32Array(INITIAL_ROWS);
  #first: number;
  #next: number;

  constructor(first: number) {
    this.#first = first;
    this.#next = first;
  }

  get bytes(): number {
    return this.#partitions.byteLength + this.#places.byteLength;
  }

  append(partition: number, place: number): void {
    if (this.#next - this.#first === this.#places.length) this.#grow();
    const slot = this.#next & (this.#places.length - 1);
    this.#partitions[slot] = partition;
    this.#places[slot] = place;
    this.#next += 1;
  }

  partitionAt(ordinal: number): number {
    return this.#partitions[ordinal & (this.#partitions.length - 1)] as number;
  }

  placeAt(ordinal: number): number {
    return this.#places[ordinal & (this.#places.length - 1)] as number;
  }

  dropBefore(first: number): void {
    this.#first = Math.max(this.#first, first);
  }

  #grow(): void {
    const [partitions, places] = [this.#partitions, this.#places];
    this.#partitions = new Uint8Array(places.length * 2);
    this.#places = new Uint32Array(places.length * 2);
    for (let ordinal = this.#first; ordinal < this.#next; ordinal += 1) {
      const [from, to] = [ordinal & (places.length - 1), ordinal & (this.#places.length - 1)];
      this.#partitions[to] = partitions[from] as number;
      this.#places[to] = places[from] as number;
    }
  }
}
