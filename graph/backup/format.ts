// The file format of a backup: every key of the store with its value, in the order of the keys, followed by a
// checksum. Written and read sequentially.
//
//   "encke-graph-backup 1\n", { length of key + 1, length of value, key, value }…, 0, SHA-256 of all this
//
// Lengths are varints. A file that does not end with the 0 and the checksum is not a backup.

import { VARINT_BYTES, VarintReader, writeVarint } from "../store/varint.ts";

export const HEAD: Uint8Array = new TextEncoder().encode("encke-graph-backup 1\n");
export const CHECKSUM_BYTES = 32;
/** An upper bound of key lengths: the name of a topic has at most 259 characters. */
const MAX_KEY_BYTES = 512;
/** An upper bound of value lengths: the longest is an index of the chunks of 2^32 followers. */
const MAX_VALUE_BYTES = 16_777_216;
/** The size of the parts in which the file is written. */
const PART_BYTES = 262_144;

export interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** Collects entries into parts of some 256 KiB. */
export class EntryWriter {
  #bytes = new Uint8Array(PART_BYTES * 2);
  #length: number;

  constructor() {
    this.#bytes.set(HEAD);
    this.#length = HEAD.length;
  }

  /** Whether the part should be taken. */
  get full(): boolean {
    return this.#length >= PART_BYTES;
  }

  add(key: Uint8Array, value: Uint8Array): void {
    const max = this.#length + 2 * VARINT_BYTES + key.length + value.length;
    if (max > this.#bytes.length) {
      const larger = new Uint8Array(max * 2);
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    let at = writeVarint(this.#bytes, this.#length, key.length + 1);
    at = writeVarint(this.#bytes, at, value.length);
    this.#bytes.set(key, at);
    this.#bytes.set(value, at + key.length);
    this.#length = at + key.length + value.length;
  }

  /** Returns what was added since the last call. Valid until the next `add`. */
  take(): Uint8Array {
    const part = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    return part;
  }
}

/** Ends the entries. The checksum of everything up to and including this byte follows. */
export const END: Uint8Array = Uint8Array.of(0);

/**
 * Reads entries from the parts of a file, however it is split.
 * @throws RangeError if the format is violated
 */
export async function* readEntries(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Entry[], void, void> {
  let rest: Uint8Array = new Uint8Array(0);
  let isHead = true;
  let isEnd = false;
  for await (const part of parts) {
    if (isEnd) throw new RangeError("data follows its end");
    const bytes = Buffer.concat([rest, part]);
    let at = 0;
    if (isHead) {
      if (bytes.length < HEAD.length) {
        rest = bytes;
        continue;
      }
      if (HEAD.some((byte, index) => bytes[index] !== byte))
        throw new RangeError("it does not begin as a backup does");
      isHead = false;
      at = HEAD.length;
    }
    const entries: Entry[] = [];
    for (let next = entryAt(bytes, at); next !== undefined; next = entryAt(bytes, at)) {
      if (next === "end") {
        isEnd = true;
        at += 1;
        if (at < bytes.length) throw new RangeError("data follows its end");
        break;
      }
      entries.push(next.entry);
      at = next.end;
    }
    rest = bytes.subarray(at);
    yield entries;
  }
  if (!isEnd) throw new RangeError("it ends early");
}

function entryAt(
  bytes: Uint8Array,
  at: number,
): { readonly entry: Entry; readonly end: number } | "end" | undefined {
  const reader = new VarintReader(bytes, at);
  const keyLength = readLength(reader, bytes, MAX_KEY_BYTES + 1);
  if (keyLength === undefined) return undefined;
  if (keyLength === 0) return "end";
  const valueLength = readLength(reader, bytes, MAX_VALUE_BYTES);
  if (valueLength === undefined) return undefined;
  const key = reader.at;
  const value = key + keyLength - 1;
  const end = value + valueLength;
  if (end > bytes.length) return undefined;
  return { entry: { key: bytes.subarray(key, value), value: bytes.subarray(value, end) }, end };
}

/** Returns undefined if the bytes end within the length. */
function readLength(reader: VarintReader, bytes: Uint8Array, max: number): number | undefined {
  const { at } = reader;
  const length = reader.tryNext();
  if (length === undefined && bytes.length - at < VARINT_BYTES) return undefined;
  if (length !== undefined && length <= max) return length;
  throw new RangeError(`a length at byte ${at} of a part is too large`);
}
