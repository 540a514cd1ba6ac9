// The partition of each row and its place within that partition: 5 bytes per row, with the same first and
// next ordinals as the chain. If the service owns only one partition, nothing is stored, because places
// follow from ordinals. Owned by the history.

import { OrdinalRing } from "./ordinal-ring.ts";

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
  readonly #partitions: OrdinalRing;
  readonly #places: OrdinalRing;

  constructor(first: number) {
    this.#partitions = new OrdinalRing(first, Uint8Array);
    this.#places = new OrdinalRing(first, Uint32Array);
  }

  get bytes(): number {
    return this.#partitions.bytes + this.#places.bytes;
  }

  append(partition: number, place: number): void {
    this.#partitions.append(partition);
    this.#places.append(place);
  }

  partitionAt(ordinal: number): number {
    return this.#partitions.at(ordinal);
  }

  placeAt(ordinal: number): number {
    return this.#places.at(ordinal);
  }

  dropBefore(first: number): void {
    this.#partitions.dropBefore(first);
    this.#places.dropBefore(first);
  }
}
