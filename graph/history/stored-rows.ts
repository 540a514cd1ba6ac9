// The in-memory description of the stored rows: their chains, partitions, positions and segments, and which
// rows were deleted. Owned by the history, which reads and writes the rows themselves.

import { Chain } from "./chain.ts";
import type { Horizon } from "./horizon.ts";
import { OrdinalRing } from "./ordinal-ring.ts";
import { newPlacement, type Placement } from "./placement.ts";
import { ROW_KIND, type Row, type RowKind } from "./row.ts";
import { lastOf, Segment, type SegmentPartition } from "./segment.ts";
import { isAfter, type Position, Sequences } from "./sequences.ts";
import { tagOf } from "./tags.ts";

/** A segment to which no more rows are added. */
export interface SealedSegment {
  /** The ordinal of the segment's last row, which is also the ordinal in the key of its index row. */
  readonly last: number;
  readonly rows: number;
  readonly bytes: number;
  readonly earliestMs: number;
  readonly latestMs: number;
  readonly partitions: readonly SegmentPartition[];
}

/** The positions of one partition. */
interface PartitionState {
  readonly sequences: Sequences;
  /** The position that the next row gets. */
  next: Position;
}

/** Reports whether a row of this kind may have concerned any user. */
function hasLost(kind: RowKind): boolean {
  return kind === ROW_KIND.hole || kind === ROW_KIND.lost;
}

export class StoredRows {
  readonly chain: Chain;
  readonly placement: Placement;
  /** The ranks of the rows in their blocks. */
  readonly #ranks: OrdinalRing;
  readonly #partitions: ReadonlyMap<number, PartitionState>;
  #horizon: Horizon;
  /** Ordinals of holes and of lost rows, which may have concerned any user. Ascending. */
  readonly #holes: number[] = [];
  readonly #sealed: SealedSegment[] = [];
  #open = new Segment();
  #bytes = 0;

  /** @param first the ordinal of the first row to be added */
  constructor(partitions: readonly number[], first: number, horizon: Horizon) {
    this.chain = new Chain(first);
    this.placement = newPlacement(partitions, first);
    this.#ranks = new OrdinalRing(first, Uint8Array);
    this.#horizon = horizon;
    this.#partitions = new Map(
      partitions.map((partition) => [
        partition,
        { sequences: new Sequences(), next: { epoch: 0, sequence: 0 } },
      ]),
    );
  }

  get horizon(): Horizon {
    return this.#horizon;
  }

  /** The number of stored rows. */
  get count(): number {
    return this.chain.next - this.chain.first;
  }

  /** The size of the stored rows, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Memory used, in bytes. */
  get memoryBytes(): number {
    return this.chain.bytes + this.placement.bytes + this.#ranks.bytes;
  }

  /** The segment to which rows are added. */
  get open(): Segment {
    return this.#open;
  }

  /** The oldest sealed segment. */
  get oldest(): SealedSegment | undefined {
    return this.#sealed[0];
  }

  /** The earliest time of a stored row, in milliseconds since 1970; infinite if no row is stored. */
  get earliestMs(): number {
    return Math.min(this.#sealed[0]?.earliestMs ?? Number.POSITIVE_INFINITY, this.#open.earliestMs);
  }

  /**
   * The latest time of a row in the two newest segments, in milliseconds since 1970; 0 if no row is stored.
   */
  get latestMs(): number {
    return Math.max(0, this.#sealed.at(-1)?.latestMs ?? 0, this.#open.latestMs);
  }

  /** Returns the position that the next row of a partition gets. */
  nextPosition(partition: number): Position {
    return this.#of(partition).next;
  }

  /**
   * Sets the position of a partition's next row. It must come after every position that was assigned before.
   */
  setNextPosition(partition: number, next: Position): void {
    this.#of(partition).next = next;
  }

  /** Returns the position of a stored row. */
  positionOf(ordinal: number): Position {
    const { sequences } = this.#of(this.placement.partitionAt(ordinal));
    return sequences.at(this.placement.placeAt(ordinal));
  }

  /**
   * Returns the ordinal of the first stored row of a partition after a position; that of the next row if
   * there is none. Linear in the number of rows after it.
   */
  ordinalAfter(partition: number, at: Position): number {
    const last = this.placeOf(partition, at);
    const { first, next } = this.chain;
    let found = next;
    for (let ordinal = next - 1; ordinal >= first; ordinal -= 1) {
      if (this.placement.partitionAt(ordinal) !== partition) continue;
      if (this.placement.placeAt(ordinal) <= last) break;
      found = ordinal;
    }
    return found;
  }

  /** Returns a stored row's rank in its block. */
  rankOf(ordinal: number): number {
    return this.#ranks.at(ordinal);
  }

  /** Returns the ordinal of the last row in the block of a stored row. O(rows of the block). */
  lastOfBlock(ordinal: number): number {
    const { next } = this.chain;
    let last = ordinal;
    while (last + 1 < next && this.rankOf(last + 1) > 0) last += 1;
    return last;
  }

  /** Returns a time no later than that of a stored row, in milliseconds since 1970. O(segments). */
  earliestTimeOf(ordinal: number): number {
    return this.#sealed.find(({ last }) => ordinal <= last)?.earliestMs ?? this.#open.earliestMs;
  }

  /** Reports whether the open segment has to be sealed before the next row of a partition is added. */
  mustSeal(partition: number): boolean {
    return !this.#open.canAdd(partition, this.nextPosition(partition));
  }

  /**
   * Adds a row at the next position of its partition.
   * @param length the row's encoded length
   * @param rank the row's rank in its block
   */
  append(partition: number, row: Row, length: number, rank: number): void {
    const state = this.#of(partition);
    const at = state.next;
    const tag = this.#open.add(partition, at, row, length, rank);
    this.#bytes += length;
    state.next = { epoch: at.epoch, sequence: at.sequence + 1 };
    this.#add(partition, state.sequences.extend(at, 1), row.kind, tag, rank);
  }

  /** Adds a segment that an earlier run has written. Segments must be restored in order. */
  restore(segment: Segment): void {
    const places = segment.partitions.map(({ partition, first, rows }) => {
      const state = this.#of(partition);
      state.next = { epoch: first.epoch, sequence: first.sequence + rows };
      return state.sequences.extend(first, rows);
    });
    for (let row = 0; row < segment.rows; row += 1) {
      const index = segment.indexAt(row);
      const place = places[index] as number;
      places[index] = place + 1;
      const { partition } = segment.partitions[index] as SegmentPartition;
      this.placement.append(partition, place);
      if (hasLost(segment.kindAt(row))) this.#holes.push(this.chain.next + row);
    }
    this.chain.appendAll(segment.kinds, segment.tags);
    this.#ranks.appendAll(segment.ranks);
    this.#bytes += segment.bytes;
    this.#sealed.push(this.#summaryOf(segment));
  }

  /** Seals the open segment and returns it, or returns undefined if it has no rows. */
  seal(): Segment | undefined {
    const segment = this.#open;
    if (segment.rows === 0) return undefined;
    this.#open = new Segment();
    this.#sealed.push(this.#summaryOf(segment));
    return segment;
  }

  /** Removes the oldest segment, given as decoded from its index row. */
  dropOldest(segment: Segment): void {
    for (let row = 0; row < segment.rows; row += 1)
      this.chain.dropFirst(segment.kindAt(row), segment.tagAt(row));
    this.#sealed.shift();
    this.#bytes -= segment.bytes;
    const { first } = this.chain;
    this.placement.dropBefore(first);
    this.#ranks.dropBefore(first);
    while ((this.#holes[0] ?? first) < first) this.#holes.shift();
    for (const part of segment.partitions) {
      const { partition } = part;
      const last = lastOf(part);
      this.#horizon.add({ partition, ...last, earliestMs: segment.earliestMs });
      const { sequences } = this.#of(partition);
      sequences.dropBefore(sequences.lastUpTo(last) + 1);
    }
  }

  /** Marks everything before an epoch as deleted, at an unknown time. */
  markEpochsDeletedBefore(epoch: number): void {
    for (const partition of this.#partitions.keys())
      this.#horizon.add({ partition, epoch: epoch - 1, sequence: Number.MAX_SAFE_INTEGER, earliestMs: 0 });
  }

  /** Returns the places after one position and up to another. There are none if `from` is above `to`. */
  placesBetween(partition: number, after: Position, upTo: Position): { from: number; to: number } {
    const { sequences } = this.#of(partition);
    return { from: sequences.lastUpTo(after) + 1, to: sequences.lastUpTo(upTo) };
  }

  /** Returns the place of the newest stored row at or before a position, or 0 if there is none. */
  placeOf(partition: number, at: Position): number {
    return this.#of(partition).sequences.lastUpTo(at);
  }

  /** Returns the ordinals of the rows whose names share a tag with this name, newest first per kind. */
  ordinalsOf(name: string): number[] {
    const tag = tagOf(name);
    const found: number[] = [];
    for (const kind of [ROW_KIND.event, ROW_KIND.direct])
      for (let ordinal = this.chain.newest(kind, tag); ordinal !== 0; ordinal = this.chain.previous(ordinal))
        found.push(ordinal);
    return found;
  }

  /** Ordinals of holes and of rows that are known to be lost, ascending. */
  get holes(): readonly number[] {
    return this.#holes;
  }

  /**
   * Returns the earliest time of any row after a position, deleted or stored, or infinity if there is none.
   * O(segments).
   */
  earliestAfter(partition: number, at: Position): number {
    const earliest = this.#horizon.earliestAfter(partition, at);
    return this.#sealed.concat(this.#summaryOf(this.#open)).reduce((found, { partitions, earliestMs }) => {
      const here = partitions.find((one) => one.partition === partition);
      return here !== undefined && isAfter(lastOf(here), at) ? Math.min(found, earliestMs) : found;
    }, earliest);
  }

  #of(partition: number): PartitionState {
    return this.#partitions.get(partition) as PartitionState;
  }

  #add(partition: number, place: number, kind: RowKind, tag: number, rank: number): void {
    if (hasLost(kind)) this.#holes.push(this.chain.next);
    this.chain.append(kind, tag);
    this.placement.append(partition, place);
    this.#ranks.append(rank);
  }

  #summaryOf({ rows, bytes, earliestMs, latestMs, partitions }: Segment): SealedSegment {
    return { last: this.chain.next - 1, rows, bytes, earliestMs, latestMs, partitions };
  }
}
