// Holds rows by id in memory, in the binary format that they have on disk: a log of segments, and an index of
// the row's positions. A new row is appended, and its previous value becomes garbage. When a quarter of the
// log is garbage, the segment with most of it is compacted and reused, so no change copies more than one
// segment. Owned by the rows of followers. Bounded by a number of bytes: a row that does not fit is not
// held.

import { readSet } from "../store/varint.ts";
import { U32Map } from "../u32-map.ts";

/** The size of a segment is 256 KiB. An inline row takes at most 40 KB. */
const SEGMENT_BITS = 18;
const SEGMENT_BYTES: number = 1 << SEGMENT_BITS;
/** The header of a row: u32 id, u16 length. */
const HEAD_BYTES = 6;
const LONGEST_ROW = 0xffff;
/** Addresses have 31 bits. */
const MAX_SEGMENTS = 8_191;
/** The maximum fraction of garbage in the log; a small log may hold a few segments of it. */
const LEFT_BEHIND = 0.25;
const MIN_LEFT_BEHIND: number = 2 * SEGMENT_BYTES;

interface Segment {
  readonly bytes: Uint8Array;
  used: number;
  /** Bytes of rows that have been replaced or deleted. */
  dead: number;
}

export class RowMemory {
  readonly #maxBytes: number;
  readonly #places = new U32Map();
  readonly #segments: Segment[] = [];
  /** Segments that can be reused. */
  readonly #free: number[] = [];
  #current = -1;
  #dead = 0;

  /**
   * @param maxBytes the limit for everything. The index doubles when it is full and may then exceed it by its
   * half.
   */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The number of rows held. */
  get size(): number {
    return this.#places.size;
  }

  /** Bytes of memory used, including the index and garbage. */
  get bytes(): number {
    return this.#segments.length * SEGMENT_BYTES + this.#places.bytes;
  }

  /**
   * Writes the ids of a row to the beginning of `into`. Returns their number, or undefined if the row is not
   * held.
   */
  read(id: number, into: Uint32Array): number | undefined {
    const place = this.#places.get(id);
    if (place === -1) return undefined;
    const { bytes } = this.#segmentOf(place);
    return readSet(bytes, (place & (SEGMENT_BYTES - 1)) + HEAD_BYTES, into);
  }

  /**
   * Replaces a row (count, differences…). Returns false, and holds no value of the row, if it does not fit.
   */
  set(id: number, row: Uint8Array): boolean {
    this.delete(id);
    if (row.length > LONGEST_ROW || !this.#append(id, row)) return false;
    this.#tidy();
    return true;
  }

  delete(id: number): void {
    const place = this.#places.get(id);
    if (place === -1) return;
    const segment = this.#segmentOf(place);
    const size = HEAD_BYTES + lengthAt(segment.bytes, place & (SEGMENT_BYTES - 1));
    segment.dead += size;
    this.#dead += size;
    this.#places.delete(id);
    this.#tidy();
  }

  #segmentOf(place: number): Segment {
    return this.#segments[place >>> SEGMENT_BITS] as Segment;
  }

  #append(id: number, row: Uint8Array, beyond = false): boolean {
    let segment = this.#segments[this.#current];
    if (segment === undefined || segment.used + HEAD_BYTES + row.length > SEGMENT_BYTES) {
      segment = this.#begin(beyond);
      if (segment === undefined) return false;
    }
    const at = segment.used;
    writeHead(segment.bytes, at, id, row.length);
    segment.bytes.set(row, at + HEAD_BYTES);
    segment.used += HEAD_BYTES + row.length;
    this.#places.set(id, this.#current * SEGMENT_BYTES + at);
    return true;
  }

  /** @param beyond exceeds the limit by one segment, for compaction, which frees one at once */
  #begin(beyond: boolean): Segment | undefined {
    const free = this.#free.pop();
    if (free === undefined) {
      const more = beyond ? 0 : SEGMENT_BYTES;
      if (this.#segments.length >= MAX_SEGMENTS || this.bytes + more > this.#maxBytes) return undefined;
      this.#segments.push({ bytes: new Uint8Array(SEGMENT_BYTES), used: 0, dead: 0 });
    }
    this.#current = free ?? this.#segments.length - 1;
    return this.#segments[this.#current];
  }

  /** Compacts a segment if there is too much garbage. */
  #tidy(): void {
    const max = Math.max(MIN_LEFT_BEHIND, LEFT_BEHIND * this.#segments.length * SEGMENT_BYTES);
    if (this.#dead <= max) return;
    let worst = -1;
    for (const [index, { dead }] of this.#segments.entries()) {
      if (index !== this.#current && dead > (this.#segments[worst]?.dead ?? 0)) worst = index;
    }
    const segment = this.#segments[worst];
    if (segment === undefined) return;
    for (let at = 0; at < segment.used; ) {
      const id = idAt(segment.bytes, at);
      const end = at + HEAD_BYTES + lengthAt(segment.bytes, at);
      if (this.#places.get(id) === worst * SEGMENT_BYTES + at) {
        const moved = this.#append(id, segment.bytes.subarray(at + HEAD_BYTES, end), true);
        if (!moved) this.#places.delete(id);
      }
      at = end;
    }
    this.#dead -= segment.dead;
    segment.used = 0;
    segment.dead = 0;
    this.#free.push(worst);
  }
}

function writeHead(bytes: Uint8Array, at: number, id: number, length: number): void {
  bytes[at] = id;
  bytes[at + 1] = id >>> 8;
  bytes[at + 2] = id >>> 16;
  bytes[at + 3] = id >>> 24;
  bytes[at + 4] = length;
  bytes[at + 5] = length >>> 8;
}

function idAt(bytes: Uint8Array, at: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
}

function lengthAt(bytes: Uint8Array, at: number): number {
  return (bytes[at + 4] as number) | ((bytes[at + 5] as number) << 8);
}
