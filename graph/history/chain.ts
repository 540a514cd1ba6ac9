// An in-memory index from tags to rows: the ordinal of each tag's newest row, and for each row the distance
// to the previous row with the same tag. The rows that a reader missed are found by following the chains of
// the reader's topics, without a scan. Owned by the history; takes 4 bytes per row and 12 to 16 per tag.
//
//   newest[tag] ──▶ ordinal ──distance──▶ ordinal ──distance──▶ … until the oldest stored row
//
// Ordinals number the rows of the whole history in order of arrival.

import { U32Map } from "../u32-map.ts";
import { OrdinalRing } from "./ordinal-ring.ts";
import { ROW_KIND, type RowKind } from "./row.ts";

/**
 * Keeps ordinals within 31 bits for the maps. They stay unambiguous because far fewer than 2^31 rows are
 * stored at a time.
 */
const ORDINAL_MASK = 0x7fff_ffff;

export class Chain {
  readonly #distances: OrdinalRing;
  #newestEvent = new U32Map();
  #newestDirect = new U32Map();

  /** @param first the ordinal of the first row to be appended */
  constructor(first: number) {
    this.#distances = new OrdinalRing(first, Uint32Array);
  }

  /** The ordinal of the oldest row. */
  get first(): number {
    return this.#distances.first;
  }

  /** The ordinal that the next row gets. */
  get next(): number {
    return this.#distances.next;
  }

  /** Memory used, in bytes. */
  get bytes(): number {
    return this.#distances.bytes + this.#newestEvent.bytes + this.#newestDirect.bytes;
  }

  /** Appends a row. Amortized O(1). */
  append(kind: RowKind, tag: number): void {
    this.#distances.append(this.#link(this.next, kind, tag));
  }

  /** Appends rows. */
  appendAll(kinds: Uint8Array, tags: Uint32Array): void {
    const { next } = this;
    this.#distances.appendAll(tags.map((tag, row) => this.#link(next + row, kinds[row] as RowKind, tag)));
  }

  /** Makes a row the newest of its tag, and returns the distance to the one before, or 0. */
  #link(ordinal: number, kind: RowKind, tag: number): number {
    const newest = this.#newestOf(kind);
    const before = newest?.set(tag, ordinal & ORDINAL_MASK) ?? -1;
    return before === -1 ? 0 : (ordinal - before) & ORDINAL_MASK;
  }

  /** Returns the ordinal of a tag's newest row, or 0 if it has none. */
  newest(kind: RowKind, tag: number): number {
    const newest = this.#newestOf(kind)?.get(tag) ?? -1;
    return newest === -1 ? 0 : this.next - ((this.next - newest) & ORDINAL_MASK);
  }

  /** Returns the ordinal of the previous row with the same tag, or 0 if none is stored. */
  previous(ordinal: number): number {
    const distance = this.#distances.at(ordinal);
    return distance === 0 || ordinal - distance < this.first ? 0 : ordinal - distance;
  }

  /** Removes the oldest row, which must have been appended with this kind and tag. */
  dropFirst(kind: RowKind, tag: number): void {
    const ordinal = this.first;
    this.#distances.dropBefore(ordinal + 1);
    const newest = this.#newestOf(kind);
    if (newest?.get(tag) === (ordinal & ORDINAL_MASK)) newest.delete(tag);
  }

  /** Releases the memory of tags that have no rows left. O(tags). */
  shrink(): void {
    this.#newestEvent = this.#newestEvent.shrunk();
    this.#newestDirect = this.#newestDirect.shrunk();
  }

  #newestOf(kind: RowKind): U32Map | undefined {
    if (kind === ROW_KIND.event) return this.#newestEvent;
    return kind === ROW_KIND.direct ? this.#newestDirect : undefined;
  }
}
