// A segment: up to a few thousand consecutive rows, described by one index row. At start the index rows
// rebuild the in-memory state without a scan of the rows. Segments are also the unit of deletion. The index
// row, little-endian:
//
//    0 u32 rows | 4 u32 partitions | 8 f64 bytes of the rows | 16 f64 earliest time | 24 f64 latest time
//   32 f64 ordinal of the previous index row or 0 | 40 f64 ordinal of the newest horizon or 0
//   48 partitions × (f64 partition | f64 epoch | f64 sequence number of its first row)
//      rows × u32 tag | rows × u8 kind | rows × u8 rank in the block
//      rows × u8 index of the partition, if there are several
//      message ids: u16 row | u8 length | f64 time | UTF-8

import { ROW_KIND, type Row, type RowKind } from "./row.ts";
import type { Position } from "./sequences.ts";
import { tagOf } from "./tags.ts";

const HEAD_BYTES = 48;
const PARTITION_BYTES = 24;
const ID_HEAD_BYTES = 11;
const INITIAL_ROWS = 256;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The rows of one partition in a segment. Their sequence numbers have no gaps. */
export interface SegmentPartition {
  readonly partition: number;
  readonly first: Position;
  rows: number;
}

/** Returns the position of a partition's last row in a segment. */
export function lastOf({ first, rows }: SegmentPartition): Position {
  return { epoch: first.epoch, sequence: first.sequence + rows - 1 };
}

/** A message id and the index of its row in the segment. */
export interface MessageIdAt {
  readonly row: number;
  readonly messageId: string;
  /** When the row was accepted, in milliseconds since 1970. */
  readonly timeMs: number;
}

/** The records that precede an index row and that it refers to. */
export interface PreviousRecords {
  /** The ordinal of the previous index row; 0 if there is none. */
  readonly index: number;
  /** The ordinal of the newest horizon; 0 if there is none. */
  readonly horizon: number;
}

export class Segment {
  readonly partitions: SegmentPartition[] = [];
  readonly messageIds: MessageIdAt[] = [];
  #tags: Uint32Array = new Uint32Array(INITIAL_ROWS);
  #kinds: Uint8Array = new Uint8Array(INITIAL_ROWS);
  #ranks: Uint8Array = new Uint8Array(INITIAL_ROWS);
  /** For each row, the index of its partition in `partitions`. */
  #indexes: Uint8Array = new Uint8Array(INITIAL_ROWS);
  rows = 0;
  bytes = 0;
  earliestMs: number = Number.POSITIVE_INFINITY;
  latestMs: number = Number.NEGATIVE_INFINITY;

  /**
   * Reports whether a row at this position can be added: it must directly follow the partition's last row.
   */
  canAdd(partition: number, { epoch, sequence }: Position): boolean {
    const known = this.partitions.find((one) => one.partition === partition);
    return (
      known === undefined || (known.first.epoch === epoch && known.first.sequence + known.rows === sequence)
    );
  }

  /**
   * Adds a row and returns its tag.
   * @param length the row's encoded length
   * @param rank the row's rank in its block
   */
  add(partition: number, at: Position, row: Row, length: number, rank: number): number {
    if (this.rows === this.#tags.length) this.#grow();
    const tag = row.kind === ROW_KIND.hole ? 0 : tagOf(row.name);
    let index = this.partitions.findIndex((one) => one.partition === partition);
    if (index === -1) index = this.partitions.push({ partition, first: at, rows: 0 }) - 1;
    (this.partitions[index] as SegmentPartition).rows += 1;
    this.#indexes[this.rows] = index;
    this.#tags[this.rows] = tag;
    this.#kinds[this.rows] = row.kind;
    this.#ranks[this.rows] = rank;
    if (row.messageId !== "")
      this.messageIds.push({ row: this.rows, messageId: row.messageId, timeMs: row.timeMs });
    this.rows += 1;
    this.bytes += length;
    this.earliestMs = Math.min(this.earliestMs, row.timeMs);
    this.latestMs = Math.max(this.latestMs, row.timeMs);
    return tag;
  }

  get tags(): Uint32Array {
    return this.#tags.subarray(0, this.rows);
  }

  get kinds(): Uint8Array {
    return this.#kinds.subarray(0, this.rows);
  }

  /** The ranks of the rows in their blocks. */
  get ranks(): Uint8Array {
    return this.#ranks.subarray(0, this.rows);
  }

  tagAt(row: number): number {
    return this.#tags[row] as number;
  }

  kindAt(row: number): RowKind {
    return this.#kinds[row] as RowKind;
  }

  /** Returns the index of a row's partition in `partitions`. */
  indexAt(row: number): number {
    return this.#indexes[row] as number;
  }

  /** Returns the partition and position of a row. O(rows). */
  positionAt(row: number): Position & { readonly partition: number } {
    const index = this.indexAt(row);
    const { partition, first } = this.partitions[index] as SegmentPartition;
    const rank = this.#indexes.subarray(0, row).filter((other) => other === index).length;
    return { partition, epoch: first.epoch, sequence: first.sequence + rank };
  }

  encode(previous: PreviousRecords): Uint8Array {
    const ids = this.messageIds.map((id) => ({ ...id, bytes: encoder.encode(id.messageId) }));
    const idBytes = ids.reduce((sum, { bytes }) => sum + ID_HEAD_BYTES + bytes.length, 0);
    const { tagsAt, kindsAt, ranksAt, indexesAt, idsAt } = layoutOf(this.rows, this.partitions.length);
    const encoded = new Uint8Array(idsAt + idBytes);
    const view = new DataView(encoded.buffer);
    view.setUint32(0, this.rows, true);
    view.setUint32(4, this.partitions.length, true);
    const numbers = [this.bytes, this.earliestMs, this.latestMs, previous.index, previous.horizon];
    for (const { partition, first } of this.partitions) numbers.push(partition, first.epoch, first.sequence);
    for (const [index, number] of numbers.entries()) view.setFloat64(8 + 8 * index, number, true);
    for (let row = 0; row < this.rows; row += 1) view.setUint32(tagsAt + 4 * row, this.tagAt(row), true);
    encoded.set(this.kinds, kindsAt);
    encoded.set(this.ranks, ranksAt);
    if (indexesAt < idsAt) encoded.set(this.#indexes.subarray(0, this.rows), indexesAt);
    let at = idsAt;
    for (const { row, timeMs, bytes } of ids) {
      view.setUint16(at, row, true);
      view.setUint8(at + 2, bytes.length);
      view.setFloat64(at + 3, timeMs, true);
      encoded.set(bytes, at + ID_HEAD_BYTES);
      at += ID_HEAD_BYTES + bytes.length;
    }
    return encoded;
  }

  /** Decodes an index row, or returns undefined if `encoded` is not one. */
  static decode(
    encoded: Uint8Array,
  ): { readonly segment: Segment; readonly previous: PreviousRecords } | undefined {
    if (encoded.length < HEAD_BYTES) return undefined;
    const view = new DataView(encoded.buffer, encoded.byteOffset, encoded.byteLength);
    const [rows, partitions] = [view.getUint32(0, true), view.getUint32(4, true)];
    const { tagsAt, kindsAt, ranksAt, indexesAt, idsAt } = layoutOf(rows, partitions);
    if (encoded.length < idsAt) return undefined;
    const segment = new Segment();
    segment.rows = rows;
    segment.bytes = view.getFloat64(8, true);
    segment.earliestMs = view.getFloat64(16, true);
    segment.latestMs = view.getFloat64(24, true);
    for (let at = HEAD_BYTES; at < tagsAt; at += PARTITION_BYTES) {
      const first = { epoch: view.getFloat64(at + 8, true), sequence: view.getFloat64(at + 16, true) };
      segment.partitions.push({ partition: view.getFloat64(at, true), first, rows: 0 });
    }
    // copied, because typed arrays must be aligned and `encoded` may be a view of a larger buffer
    segment.#tags = new Uint32Array(new Uint8Array(encoded.subarray(tagsAt, kindsAt)).buffer);
    segment.#kinds = new Uint8Array(encoded.subarray(kindsAt, ranksAt));
    segment.#ranks = new Uint8Array(encoded.subarray(ranksAt, indexesAt));
    segment.#indexes =
      indexesAt < idsAt ? new Uint8Array(encoded.subarray(indexesAt, idsAt)) : new Uint8Array(rows);
    for (let row = 0; row < rows; row += 1)
      (segment.partitions[segment.indexAt(row)] as SegmentPartition).rows += 1;
    for (let at = idsAt; at + ID_HEAD_BYTES <= encoded.length; ) {
      const end = at + ID_HEAD_BYTES + view.getUint8(at + 2);
      const messageId = decoder.decode(encoded.subarray(at + ID_HEAD_BYTES, end));
      segment.messageIds.push({
        row: view.getUint16(at, true),
        messageId,
        timeMs: view.getFloat64(at + 3, true),
      });
      at = end;
    }
    return { segment, previous: { index: view.getFloat64(32, true), horizon: view.getFloat64(40, true) } };
  }

  #grow(): void {
    const [tags, kinds, ranks, indexes] = [this.#tags, this.#kinds, this.#ranks, this.#indexes];
    this.#tags = new Uint32Array(tags.length * 2);
    this.#kinds = new Uint8Array(tags.length * 2);
    this.#ranks = new Uint8Array(tags.length * 2);
    this.#indexes = new Uint8Array(tags.length * 2);
    this.#tags.set(tags);
    this.#kinds.set(kinds);
    this.#ranks.set(ranks);
    this.#indexes.set(indexes);
  }
}

/** The offsets of an index row's columns and of its message ids. */
interface Layout {
  readonly tagsAt: number;
  readonly kindsAt: number;
  readonly ranksAt: number;
  readonly indexesAt: number;
  readonly idsAt: number;
}

function layoutOf(rows: number, partitions: number): Layout {
  const tagsAt = HEAD_BYTES + PARTITION_BYTES * partitions;
  const kindsAt = tagsAt + 4 * rows;
  const ranksAt = kindsAt + rows;
  const indexesAt = ranksAt + rows;
  return { tagsAt, kindsAt, ranksAt, indexesAt, idsAt: indexesAt + (partitions > 1 ? rows : 0) };
}
